import { StoreError } from '@ferrite/errors';
import { checkZones } from './keyspace-rules.ts';
import {
  type Keyspace,
  type Move,
  NODES_MAX,
  type NodeDescription,
  next,
  type PlannedMove,
  REPLICATION_FACTOR_MAX,
  type TopologyChange,
  type TopologyDocument,
  type TopologyNode,
  type TopologyPlan,
} from './topology.ts';
import { settled } from './topology-moves.ts';
import { rowAhead, targetTable } from './topology-table.ts';

/** What a plan costs. */
export interface PlanReport {
  readonly id: number;
  readonly changes: readonly TopologyChange[];
  readonly moves: readonly {
    readonly partition: number;
    /** Ids of the nodes that cease to hold the partition. */
    readonly from: readonly string[];
    /** Ids of the nodes that get it. */
    readonly to: readonly string[];
    /** To be copied: the partition's size for each that gets it. */
    readonly bytes: number;
  }[];
  readonly bytes: number;
  /** Until the node that gets most has it. */
  readonly seconds: number;
}

const CHANGES_MAX = 64;

/**
 * The document with this change added to its plan; nothing else changes until the plan is committed. `ARGUMENT_INVALID`
 * if the change does not fit the cluster as it will be by then.
 */
export function planChange(document: TopologyDocument, change: TopologyChange): TopologyDocument {
  const changes = [...(document.plan?.changes ?? []), change];
  if (changes.length > CHANGES_MAX) {
    throw new StoreError('OVERLOADED', { message: `a plan has at most ${CHANGES_MAX} changes: commit it first` });
  }
  return next(document, { plan: planned(document, changes) });
}

/** The document without its plan. Moves that are under way go on. `ARGUMENT_INVALID` if there is no such plan. */
export function discardPlan(document: TopologyDocument, id: number): TopologyDocument {
  planNamed(document, id);
  return next(withoutPlan(document), {});
}

/**
 * The document with its plan in force: every partition it touches has a move, all of them waiting. A partition that is
 * still under way to where an earlier plan sent it arrives there first. `TOPOLOGY_CONFLICT` if the table has changed since
 * it was planned.
 */
export function commitPlan(document: TopologyDocument, id: number): TopologyDocument {
  const plan = planNamed(document, id);
  refuseFactorsUnderWay(document, plan);
  const fresh = planned(document, plan.changes);
  if (JSON.stringify([fresh.nodes, fresh.moves]) !== JSON.stringify([plan.nodes, plan.moves])) {
    throw stale(id);
  }
  const targets = new Map(plan.moves.map(({ partition, target }) => [partition, target]));
  const table = [...document.table];
  const open = document.moves.flatMap((move): readonly Move[] => {
    const target = targets.get(move.partition);
    targets.delete(move.partition);
    const { partition, phase } = move;
    if (phase === 'waiting') {
      if (target !== undefined) return [{ ...move, target }];
      // One that has not begun need not; but the epoch of its partition does not go back.
      const stays = { partition, target: table[partition]!, phase: 'done', epoch: move.epoch } as const;
      return move.epoch > document.tableEpoch ? [stays] : [];
    }
    if (target === undefined) return [withoutOnward(move)];
    if (phase !== 'done') return [{ ...move, onward: target }];
    table[partition] = move.target;
    return [{ partition, target, phase: 'waiting', epoch: move.epoch }];
  });
  const added = [...targets].map(([partition, target]): Move => {
    return { partition, target, phase: 'waiting', epoch: document.tableEpoch };
  });
  const factors = factorsOf(plan.changes);
  const keyspaces = document.keyspaces.map((keyspace): Keyspace => {
    const factor = factors.get(keyspace.name);
    return factor === undefined ? keyspace : { ...keyspace, nextFactor: factor };
  });
  const moves = [...open, ...added].sort((a, b) => a.partition - b.partition);
  return settled(next(withoutPlan(document), { nodes: plan.nodes, table, moves, keyspaces }));
}

/**
 * What the plan moves, how much that is and how long it takes. `bytesOf` is the size of a partition on one replica,
 * `bytesPerSecond` what one node takes in.
 */
export function describePlan(
  document: TopologyDocument,
  plan: TopologyPlan,
  { bytesOf, bytesPerSecond }: { readonly bytesOf: (partition: number) => number; readonly bytesPerSecond: number },
): PlanReport {
  if (plan.tableEpoch !== document.tableEpoch) throw stale(plan.id);
  const inbound = new Map<string, number>();
  const id = (index: number): string => plan.nodes[index]!.id;
  const moves = plan.moves.map(({ partition, target }) => {
    const row = rowAhead(document, partition);
    const to = target.filter((index) => !row.includes(index)).map(id);
    const size = bytesOf(partition);
    for (const node of to) inbound.set(node, (inbound.get(node) ?? 0) + size);
    const from = row.filter((index) => !target.includes(index)).map(id);
    return { partition, from, to, bytes: size * to.length };
  });
  return {
    id: plan.id,
    changes: plan.changes,
    moves,
    bytes: moves.reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: Math.max(0, ...inbound.values()) / bytesPerSecond,
  };
}

function stale(id: number): StoreError {
  const message = `the cluster has changed since plan ${id} was made: discard it and plan again`;
  return new StoreError('TOPOLOGY_CONFLICT', { message });
}

/** A factor changes in all partitions together: its moves begin when no other is under way, and none joins them. */
function refuseFactorsUnderWay(document: TopologyDocument, plan: TopologyPlan): void {
  if (document.moves.length === 0) return;
  const underWay = document.keyspaces.some(({ nextFactor }) => nextFactor !== undefined);
  if (!underWay && factorsOf(plan.changes).size === 0) return;
  const message = `${document.moves.length} moves are open, and a replication factor changes by itself: commit when they are done`;
  throw new StoreError('TOPOLOGY_CONFLICT', { message });
}

function withoutPlan(document: TopologyDocument): TopologyDocument {
  const { plan, ...rest } = document;
  return plan === undefined ? document : rest;
}

/** The move without what an earlier plan wanted next. */
function withoutOnward(move: Move): Move {
  const { onward, ...rest } = move;
  return onward === undefined ? move : rest;
}

function planNamed(document: TopologyDocument, id: number): TopologyPlan {
  const { plan } = document;
  if (plan?.id === id) return plan;
  const present =
    plan === undefined ? 'there is none: make one first' : `the present one is ${plan.id}: look at it again`;
  throw new StoreError('TOPOLOGY_CONFLICT', { message: `there is no plan ${id}; ${present}` });
}

function planned(document: TopologyDocument, changes: readonly TopologyChange[]): TopologyPlan {
  const heirs = new Map<string, string>();
  const nodes = changes.reduce((present, change) => withChange(present, change, heirs), document.nodes);
  const factors = factorsOf(changes);
  for (const name of factors.keys()) {
    if (!document.keyspaces.some((keyspace) => keyspace.name === name)) {
      throw new StoreError('KEYSPACE_NOT_FOUND', { message: `there is no keyspace "${name}"` });
    }
  }
  const keyspaces = document.keyspaces.map((keyspace) => {
    return { ...keyspace, nextFactor: factors.get(keyspace.name) ?? keyspace.nextFactor ?? keyspace.replicationFactor };
  });
  const rows = targetTable(document, nodes, keyspaces, { heirs });
  const planned = { ...document, nodes, table: rows };
  for (const keyspace of keyspaces) checkZones(planned, { ...keyspace, replicationFactor: keyspace.nextFactor });
  // Another factor changes who holds what even where the rows stay as they are.
  const all = keyspaces.some(({ replicationFactor, nextFactor }) => nextFactor !== replicationFactor);
  const moves = rows.flatMap((target, partition): readonly PlannedMove[] => {
    const row = rowAhead(document, partition);
    const same = target.length === row.length && target.every((index, place) => index === row[place]);
    return same && !all ? [] : [{ partition, target }];
  });
  return { id: document.epoch + 1, tableEpoch: document.tableEpoch, changes, nodes, moves };
}

function factorsOf(changes: readonly TopologyChange[]): ReadonlyMap<string, number> {
  return new Map(
    changes.flatMap((change) => (change.type === 'factor' ? [[change.keyspace, change.replicationFactor]] : [])),
  );
}

function withChange(
  nodes: readonly TopologyNode[],
  change: TopologyChange,
  heirs: Map<string, string>,
): readonly TopologyNode[] {
  if (change.type === 'factor') {
    const { replicationFactor: factor } = change;
    if (Number.isInteger(factor) && factor >= 1 && factor <= REPLICATION_FACTOR_MAX) return nodes;
    throw unfit(`the replication factor is a whole number from 1 to ${REPLICATION_FACTOR_MAX}`);
  }
  if (change.type === 'join') return [...nodes, newcomer(nodes, change.node)];
  const place = nodes.findIndex(({ id }) => id === change.node);
  const node = nodes[place];
  if (node === undefined || node.state === 'removed') {
    throw new StoreError('NODE_NOT_FOUND', { message: `there is no node "${change.node}" to ${change.type}` });
  }
  switch (change.type) {
    case 'leave':
      return nodes.with(place, { ...node, state: 'removed' });
    case 'replace':
      heirs.set(node.id, change.by.id);
      return [...nodes.with(place, { ...node, state: 'removed' }), newcomer(nodes, change.by)];
    case 'drain':
      return nodes.with(place, { ...node, state: 'draining' });
    case 'resume':
      if (node.state !== 'draining') throw unfit(`node "${node.id}" is ${node.state}, not draining`);
      return nodes.with(place, { ...node, state: 'active' });
    case 'reweight':
      if (!(change.weight > 0 && Number.isFinite(change.weight))) throw unfit('a weight is a number above 0');
      return nodes.with(place, { ...node, weight: change.weight });
    case 'relocate':
      if (change.zone === '' || change.host === '') throw unfit('a zone and a host have names');
      return nodes.with(place, { ...node, zone: change.zone, host: change.host });
  }
}

function newcomer(nodes: readonly TopologyNode[], node: NodeDescription): TopologyNode {
  const { id, host, zone, weight, rpc, fabric } = node;
  if ([id, host, zone, rpc, fabric].includes('')) throw unfit('a node needs an id, a host, a zone and its addresses');
  if (!(weight > 0 && Number.isFinite(weight))) throw unfit('a weight is a number above 0');
  if (nodes.length >= NODES_MAX) throw unfit(`a cluster has at most ${NODES_MAX} nodes`);
  for (const other of nodes) {
    if (other.id === id) throw unfit(`there is a node "${id}" already`);
    if (other.rpc === rpc || other.fabric === fabric) throw unfit(`node "${other.id}" has that address already`);
  }
  return { id, state: 'joining', host, zone, weight, rpc, fabric };
}

function unfit(message: string): StoreError {
  return new StoreError('ARGUMENT_INVALID', { message });
}
