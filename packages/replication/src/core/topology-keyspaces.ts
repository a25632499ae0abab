import { StoreError } from '@ferrite/errors';
import { PARTITION_BITS_DEFAULT, planPlacement } from '@ferrite/hashing';
import { checkFactor, checkZones } from './keyspace-rules.ts';
import {
  checkedKeyspace,
  type Keyspace,
  type KeyspaceChoice,
  keyspaceNamed,
  type NodeDescription,
  next,
  REPLICATION_FACTOR_MAX,
  type TopologyDocument,
  type TopologyNode,
} from './topology.ts';
import { targetTable } from './topology-table.ts';

const DEFAULT_FACTOR = 3;
const KEYSPACES_MAX = 1024;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** The first document of a cluster: every node active, one keyspace `default`. The same input gives the same document. */
export function formTopology(
  nodes: readonly NodeDescription[],
  options: {
    readonly clusterId?: string;
    readonly partitionBits?: number;
    readonly adminUrl?: string;
    readonly replicationFactor?: number;
  } = {},
): TopologyDocument {
  const partitionBits = options.partitionBits ?? PARTITION_BITS_DEFAULT;
  const { replicationFactor = DEFAULT_FACTOR } = options;
  const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
  const place = new Map(sorted.map((node, index) => [node.id, index]));
  const table = planPlacement({ nodes: sorted, partitionCount: 2 ** partitionBits, replicas: replicationFactor });
  return {
    format: 2,
    epoch: 1,
    tableEpoch: 1,
    clusterId: options.clusterId ?? 'local',
    partitionBits,
    nodes: sorted.map(({ id, host, zone, weight, rpc, fabric }): TopologyNode => {
      return { id, state: 'active', host, zone, weight, rpc, fabric };
    }),
    table: table.map((ids) => ids.map((id) => place.get(id)!)),
    moves: [],
    keyspaces: [newKeyspace(1, { name: 'default', replicationFactor })],
    nextKeyspaceId: 2,
    adminUrl: options.adminUrl ?? '',
  };
}

/** The document with one keyspace more. `KEYSPACE_EXISTS`, `ARGUMENT_INVALID`, `OVERLOADED` past 1024 keyspaces. */
export function createKeyspace(document: TopologyDocument, choice: KeyspaceChoice): TopologyDocument {
  if (!NAME.test(choice.name)) {
    const rule = 'use 1 to 63 small letters, digits, dots, dashes and underscores';
    throw new StoreError('ARGUMENT_INVALID', { message: `"${choice.name}" is no name for a keyspace: ${rule}` });
  }
  if (document.keyspaces.some(({ name }) => name === choice.name)) {
    throw new StoreError('KEYSPACE_EXISTS', { message: `there is a keyspace "${choice.name}" already` });
  }
  if (document.keyspaces.length >= KEYSPACES_MAX) {
    throw new StoreError('OVERLOADED', { message: `a cluster has at most ${KEYSPACES_MAX} keyspaces` });
  }
  const keyspace = newKeyspace(document.nextKeyspaceId, choice);
  const changed = { keyspaces: [...document.keyspaces, keyspace], nextKeyspaceId: document.nextKeyspaceId + 1 };
  const wide = { ...document, ...widened(document, keyspace) };
  checkZones(wide, keyspace);
  return next(wide, changed);
}

/** The table with rows long enough for a new keyspace. It holds nothing yet, so nothing has to move. */
function widened(document: TopologyDocument, keyspace: Keyspace): Partial<TopologyDocument> {
  const rows = [
    ...document.table,
    ...document.moves.flatMap(({ target, onward }) => (onward ? [target, onward] : [target])),
  ];
  const width = rows.reduce((least, row) => Math.min(least, row.length), REPLICATION_FACTOR_MAX);
  const placed = document.nodes.filter(({ state }) => state === 'active' || state === 'joining').length;
  if (keyspace.replicationFactor <= width || placed <= width) return {};
  if (document.moves.length > 0) {
    const message = `a replication factor above ${width} needs longer rows; create the keyspace when the moves are done`;
    throw new StoreError('TOPOLOGY_CONFLICT', { message });
  }
  const table = targetTable(document, document.nodes, [...document.keyspaces, keyspace], { fixed: width });
  return { table, tableEpoch: document.epoch + 1 };
}

/** The document with other settings of a keyspace. A replication factor that would move anything is refused ({@link checkFactor}). */
export function updateKeyspace(document: TopologyDocument, choice: KeyspaceChoice): TopologyDocument {
  const present = keyspaceNamed(document, choice.name);
  const changed = checkedKeyspace({ ...present, ...choice, id: present.id });
  checkFactor(document, present, changed.replicationFactor);
  checkZones(document, changed);
  return next(document, { keyspaces: document.keyspaces.map((each) => (each === present ? changed : each)) });
}

/** The document without a keyspace. Its id is never used again, so its records cannot come back (P18). */
export function deleteKeyspace(document: TopologyDocument, name: string): TopologyDocument {
  const present = keyspaceNamed(document, name);
  if (name === 'default') throw new StoreError('ARGUMENT_INVALID', { message: 'the keyspace "default" stays' });
  return next(document, { keyspaces: document.keyspaces.filter((each) => each !== present) });
}

function newKeyspace(id: number, choice: KeyspaceChoice): Keyspace {
  return checkedKeyspace({
    id,
    name: choice.name,
    replicationFactor: choice.replicationFactor ?? DEFAULT_FACTOR,
    conflictPolicy: choice.conflictPolicy ?? 'siblings',
    readConsistency: choice.readConsistency ?? 'QUORUM',
    writeConsistency: choice.writeConsistency ?? 'QUORUM',
    durability: choice.durability ?? 'DEVICE',
    ttlMs: choice.ttlMs ?? 0,
    sloppyWrites: choice.sloppyWrites ?? false,
    zoneRule: choice.zoneRule ?? 'prefer',
  });
}
