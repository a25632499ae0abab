import { StoreError } from '@ferrite/errors';
import {
  checkedKeyspace,
  isCount,
  type Keyspace,
  NODES_MAX,
  type TopologyDocument,
  type TopologyNode,
} from './topology.ts';
import { isMove, isRow } from './topology-moves.ts';

/** What documents of earlier versions do not say of a keyspace. */
const ADDED_LATER = { ttlMs: 0, sloppyWrites: false, zoneRule: 'prefer' } as const;
const STATES: readonly unknown[] = ['joining', 'active', 'draining', 'removed'];
const CHANGES: readonly unknown[] = ['join', 'leave', 'replace', 'drain', 'resume', 'reweight', 'relocate', 'factor'];

export function serializeTopology(document: TopologyDocument): string {
  return `${JSON.stringify(document)}\n`;
}

/**
 * The document in `text`; one of format 1 as it would be in format 2. `CONFIG_INVALID` names what is wrong with it, or
 * that it was written by a newer version.
 */
export function parseTopology(text: string): TopologyDocument {
  let data: Record<string, unknown> | null;
  try {
    data = JSON.parse(text) as Record<string, unknown> | null;
  } catch (cause) {
    throw new StoreError('CONFIG_INVALID', { message: 'the topology is not JSON', cause });
  }
  if (typeof data !== 'object' || data === null) throw wrong('it is no object');
  if (data['format'] !== 1 && data['format'] !== 2) {
    throw wrong(`its format is ${String(data['format'])}, this version reads 1 and 2`);
  }
  const document = checked(data['format'] === 1 ? fromFormat1(data) : data);
  return data['format'] === 1 ? { ...document, table: trimmed(document) } : document;
}

/** Format 1 knew no states, moves and plans. */
function fromFormat1(data: Record<string, unknown>): Record<string, unknown> {
  const nodes = Array.isArray(data['nodes']) ? (data['nodes'] as unknown[]) : [];
  const active = nodes.map((node) => (typeof node === 'object' ? { ...node, state: 'active' } : node));
  return { ...data, format: 2, nodes: active, moves: [] };
}

/** The rows of format 1 were as long as could be; nobody used the end of them. */
function trimmed(document: TopologyDocument): TopologyDocument['table'] {
  const width = Math.max(1, ...document.keyspaces.map(({ replicationFactor }) => replicationFactor));
  return document.table.map((row) => row.slice(0, width));
}

function checked(fields: Record<string, unknown>): TopologyDocument {
  const data = fields as Partial<TopologyDocument>;
  const { epoch, nodes, table, moves, partitionBits } = data;
  if (!isCount(epoch) || !isCount(data.tableEpoch) || data.tableEpoch > epoch) throw wrong('epoch or tableEpoch');
  if (typeof data.clusterId !== 'string' || typeof data.adminUrl !== 'string') throw wrong('clusterId or adminUrl');
  if (!isCount(partitionBits) || partitionBits > 16) throw wrong('partitionBits');
  if (!areNodes(nodes)) throw wrong('nodes');
  const partitions = 2 ** partitionBits;
  if (!Array.isArray(table) || table.length !== partitions) throw wrong('the table has not one row a partition');
  if (!table.every((row) => isRow(row, nodes.length))) throw wrong('a row of the table');
  if (!Array.isArray(moves)) throw wrong('moves');
  const bounds = { partitions, nodes: nodes.length, epoch };
  moves.forEach((move, at) => {
    if (!isMove(move, bounds)) throw wrong(`move ${at}`);
    if (at > 0 && move.partition <= moves[at - 1]!.partition)
      throw wrong('the moves are not in order, one a partition');
  });
  if (data.plan !== undefined && !isPlan(data.plan, bounds)) throw wrong('plan');
  return { ...(data as TopologyDocument), keyspaces: checkedKeyspaces(data) };
}

function checkedKeyspaces({ keyspaces, nextKeyspaceId }: Partial<TopologyDocument>): readonly Keyspace[] {
  if (!isCount(nextKeyspaceId) || !Array.isArray(keyspaces) || keyspaces.length === 0) throw wrong('keyspaces');
  let known: readonly Keyspace[];
  try {
    known = keyspaces.map((keyspace) => checkedKeyspace({ ...ADDED_LATER, ...(keyspace as Keyspace) }));
  } catch (cause) {
    throw wrong(cause instanceof Error ? `keyspaces: ${cause.message}` : 'keyspaces');
  }
  const ids = new Set(known.map(({ id }) => id));
  if (ids.size !== known.length || !known.every(({ id }) => isCount(id) && id < nextKeyspaceId)) {
    throw wrong('keyspace ids');
  }
  return known;
}

function areNodes(nodes: unknown): nodes is readonly TopologyNode[] {
  if (!Array.isArray(nodes) || nodes.length === 0 || nodes.length > NODES_MAX || !nodes.every(isNode)) return false;
  return new Set(nodes.map(({ id }) => id)).size === nodes.length;
}

function isNode(value: unknown): value is TopologyNode {
  if (typeof value !== 'object' || value === null) return false;
  const node = value as Partial<TopologyNode>;
  const texts = [node.id, node.host, node.zone, node.rpc, node.fabric];
  if (!texts.every((text) => typeof text === 'string' && text !== '') || !STATES.includes(node.state)) return false;
  return typeof node.weight === 'number' && node.weight > 0 && Number.isFinite(node.weight);
}

function isPlan(value: unknown, bounds: { readonly partitions: number; readonly epoch: number }): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const plan = value as Partial<NonNullable<TopologyDocument['plan']>>;
  const { nodes, moves, changes } = plan;
  if (!isCount(plan.id) || plan.id > bounds.epoch || !isCount(plan.tableEpoch) || !areNodes(nodes)) return false;
  if (!Array.isArray(changes) || changes.length === 0 || !Array.isArray(moves)) return false;
  const known = changes.every((change: { readonly type?: unknown } | null) => CHANGES.includes(change?.type));
  return (
    known &&
    moves.every((move) =>
      isMove({ ...(move as object), phase: 'waiting', epoch: 1 }, { ...bounds, nodes: nodes.length }),
    )
  );
}

function wrong(what: string): StoreError {
  return new StoreError('CONFIG_INVALID', { message: `the topology document is damaged: ${what}` });
}
