import { invariant, StoreError } from '@ferrite/errors';
import { majority } from './quorum.ts';
import {
  isCount,
  type Keyspace,
  MOVE_PHASES,
  type Move,
  type MovePhase,
  next,
  type TopologyDocument,
  type TopologyNode,
} from './topology.ts';

/** Who holds a partition of a keyspace, by the ids of nodes in order of preference. */
export interface ReplicaSets {
  /** A read asks a quorum of these. */
  readonly read: readonly string[];
  /** A write needs a quorum of each of these. */
  readonly write: readonly (readonly string[])[];
  /** Whoever is in one of them. */
  readonly all: readonly string[];
}

/** The move of a partition, if there is one. */
export function moveOf(document: TopologyDocument, partition: number): Move | undefined {
  const { moves } = document;
  let low = 0;
  let high = moves.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (moves[middle]!.partition < partition) low = middle + 1;
    else high = middle;
  }
  return moves[low]?.partition === partition ? moves[low] : undefined;
}

/** The version that a partition's replicas go by; a request with a lower one is refused (P14). */
export function partitionEpoch(document: TopologyDocument, partition: number): number {
  return Math.max(document.tableEpoch, moveOf(document, partition)?.epoch ?? 0);
}

/** What was asked of documents that are in use: every request asks the same. */
const known = new WeakMap<TopologyDocument, Map<Keyspace, ReplicaSets[]>>();

/** Where a keyspace's records of a partition are read and written now (P13, P14). The same objects for the same document. */
export function replicaSetsOf(document: TopologyDocument, keyspace: Keyspace, partition: number): ReplicaSets {
  let keyspaces = known.get(document);
  if (keyspaces === undefined) {
    keyspaces = new Map();
    known.set(document, keyspaces);
  }
  let partitions = keyspaces.get(keyspace);
  if (partitions === undefined) {
    partitions = [];
    keyspaces.set(keyspace, partitions);
  }
  return (partitions[partition] ??= setsOf(document, keyspace, partition));
}

function setsOf(document: TopologyDocument, keyspace: Keyspace, partition: number): ReplicaSets {
  const move = moveOf(document, partition);
  const old = oldReplicas(document, keyspace, partition);
  if (move === undefined || move.phase === 'waiting') return { read: old, write: [old], all: old };
  const target = newReplicas(document, keyspace, move);
  const both = { write: [old, target], all: [...new Set([...old, ...target])] };
  if (move.phase === 'widen') return { read: old, ...both };
  if (move.phase === 'read') return { read: target, ...both };
  return { read: target, write: [target], all: target };
}

/** The row by which a partition is read now. */
export function rowOfReads(document: TopologyDocument, partition: number): readonly number[] {
  const move = moveOf(document, partition);
  const moved = move !== undefined && move.phase !== 'waiting' && move.phase !== 'widen';
  return moved ? move.target : document.table[partition]!;
}

/** Where a keyspace's records of a partition lie by the table. */
export function oldReplicas(document: TopologyDocument, keyspace: Keyspace, partition: number): readonly string[] {
  return named(document, document.table[partition] ?? [], keyspace.replicationFactor);
}

/** Where they go by a move. */
export function newReplicas(document: TopologyDocument, keyspace: Keyspace, { target }: Move): readonly string[] {
  return named(document, target, keyspace.nextFactor ?? keyspace.replicationFactor);
}

function named(document: TopologyDocument, row: readonly number[], factor: number): readonly string[] {
  return row.slice(0, factor).map((index) => document.nodes[index]!.id);
}

/** Whether a node keeps what it has of a partition: old replicas until the move is done (P14). */
export function keepsPartition(
  document: TopologyDocument,
  keyspace: Keyspace,
  partition: number,
  node: string,
): boolean {
  const move = moveOf(document, partition);
  if (move?.phase !== 'done' && oldReplicas(document, keyspace, partition).includes(node)) return true;
  return move !== undefined && move.phase !== 'waiting' && newReplicas(document, keyspace, move).includes(node);
}

/** Whether it is on its way into the partition: it holds nothing of it yet that the others have not told it. */
export function isNewcomer(document: TopologyDocument, keyspace: Keyspace, partition: number, node: string): boolean {
  const move = moveOf(document, partition);
  if (move === undefined || move.phase === 'waiting' || move.phase === 'done') return false;
  return (
    newReplicas(document, keyspace, move).includes(node) && !oldReplicas(document, keyspace, partition).includes(node)
  );
}

/**
 * How many of `n` replicas must have confirmed an epoch before the next is published: any quorum then has one that
 * refuses a sender with an older table (P14).
 */
export function confirmationsNeeded(n: number): number {
  return n - majority(n) + 1;
}

/** A step that some actor found to be due: the move of this partition leaves the phase it was seen in. */
export interface MoveStep {
  readonly partition: number;
  readonly from: MovePhase;
}

/** Those of the steps that nobody has taken yet. */
export function dueSteps(document: TopologyDocument, steps: readonly MoveStep[]): readonly MoveStep[] {
  return steps.filter(({ partition, from }) => moveOf(document, partition)?.phase === from);
}

/**
 * The document with these moves one phase on, to be published by compare-and-set; so it does not matter who takes a step,
 * or whether several try. `TOPOLOGY_CONFLICT` if one of them is not in the phase it was seen in. When the last move is
 * done the targets become the table, and nodes that have come or gone are so in the document too.
 *
 * It is for the caller to know that the step is due: enough replicas of both sets have durably confirmed the epoch of the
 * present phase, and before `read` all new ones have merged what the old ones hold (P7).
 */
export function stepMoves(document: TopologyDocument, steps: readonly MoveStep[]): TopologyDocument {
  const epoch = document.epoch + 1;
  const wanted = new Map(steps.map(({ partition, from }) => [partition, from]));
  if (steps.length === 0) throw new StoreError('ARGUMENT_INVALID', { message: 'no move is named that could go on' });
  const table = [...document.table];
  const moves = document.moves.map((move): Move => {
    const from = wanted.get(move.partition);
    if (from === undefined) return move;
    wanted.delete(move.partition);
    if (move.phase !== from || from === 'done') {
      const message = `the move of partition ${move.partition} is ${move.phase}, not ${from}: read the topology again`;
      throw new StoreError('TOPOLOGY_CONFLICT', { message });
    }
    const phase = MOVE_PHASES[MOVE_PHASES.indexOf(from) + 1]!;
    if (phase !== 'done' || move.onward === undefined) return { ...move, phase, epoch };
    // The next plan takes over here: its move starts where this one has arrived.
    table[move.partition] = move.target;
    return { partition: move.partition, target: move.onward, phase: 'waiting', epoch };
  });
  const [unknown] = wanted.keys();
  if (unknown !== undefined) {
    throw new StoreError('TOPOLOGY_CONFLICT', { message: `partition ${unknown} has no open move` });
  }
  return settled(next(document, { table, moves }));
}

/**
 * The document with its targets as its table, if all its moves are done; else as it is. Only then do nodes leave it, a new
 * factor counts for good, and one epoch stands for all partitions again.
 */
export function settled(document: TopologyDocument): TopologyDocument {
  if (document.moves.some(({ phase }) => phase !== 'done')) return document;
  const targets = new Map(document.moves.map(({ partition, target }) => [partition, target]));
  const rows = document.table.map((row, partition) => targets.get(partition) ?? row);
  const staying = document.nodes.filter(({ state }) => state !== 'removed');
  const places = new Map(staying.map((node, place) => [document.nodes.indexOf(node), place]));
  return {
    ...document,
    tableEpoch: document.epoch,
    nodes: staying.map((node): TopologyNode => (node.state === 'joining' ? { ...node, state: 'active' } : node)),
    table: rows.map((row) =>
      row.map((index) => {
        const place = places.get(index);
        invariant(place !== undefined, 'INV-REPL-18', `removed node ${index} still stands in the table`);
        return place;
      }),
    ),
    moves: [],
    keyspaces: document.keyspaces.map(({ nextFactor, ...keyspace }) => {
      return { ...keyspace, replicationFactor: nextFactor ?? keyspace.replicationFactor };
    }),
  };
}

/** True if `value` is a move of a document with so many partitions and nodes, and of no later epoch. */
export function isMove(
  value: unknown,
  { partitions, nodes, epoch }: { readonly partitions: number; readonly nodes: number; readonly epoch: number },
): value is Move {
  if (typeof value !== 'object' || value === null) return false;
  const move = value as Partial<Move>;
  const { partition, phase } = move;
  return (
    Number.isInteger(partition) &&
    partition! >= 0 &&
    partition! < partitions &&
    MOVE_PHASES.some((known) => known === phase) &&
    isCount(move.epoch) &&
    move.epoch <= epoch &&
    isRow(move.target, nodes) &&
    (move.onward === undefined || isRow(move.onward, nodes))
  );
}

/** True if `row` is a row of a table over so many nodes: indexes, each once, at least one. */
export function isRow(row: unknown, nodeCount: number): row is readonly number[] {
  if (!Array.isArray(row) || row.length === 0 || new Set(row).size !== row.length) return false;
  return row.every((index) => Number.isInteger(index) && index >= 0 && index < nodeCount);
}
