import { StoreError } from '@ferrite/errors';
import { PARTITION_BITS_DEFAULT, planPlacement } from '@ferrite/hashing';
import { checkFactor, checkZones } from './keyspace-rules.ts';

/** A member of the cluster as the topology names it. */
export interface TopologyNode {
  readonly id: string;
  /** Failure domain: nodes of one host fail together. */
  readonly host: string;
  /** Larger failure domain. */
  readonly zone: string;
  readonly weight: number;
  /** Where clients reach it, `host:port`. */
  readonly rpc: string;
  /** Where peers reach it, `host:port`. */
  readonly fabric: string;
}

export type Consistency = 'ONE' | 'QUORUM' | 'ALL';
export type Durability = 'DEVICE' | 'MEMORY';
/** What becomes of concurrent values: all are kept, or the last one by hybrid time is shown (P6). */
export type ConflictPolicy = 'siblings' | 'lww';

export type ZoneRule = 'prefer' | 'require';

/** A named set of keys with one policy. */
export interface Keyspace {
  readonly id: number;
  readonly name: string;
  readonly replicationFactor: number;
  readonly conflictPolicy: ConflictPolicy;
  readonly readConsistency: Consistency;
  readonly writeConsistency: Consistency;
  readonly durability: Durability;
  /** Whether two replicas may share a zone: `prefer` where there is no room, `require` never. */
  readonly zoneRule: ZoneRule;
  /** Hints count in a write's quorum, which then promises nothing to reads (P10). */
  readonly sloppyWrites: boolean;
  /** How long a value lives whose put does not say, in milliseconds; 0: for good. */
  readonly ttlMs: number;
}

/** What a new keyspace may choose; the rest takes its default. */
export type KeyspaceChoice = Partial<Omit<Keyspace, 'id' | 'name'>> & { readonly name: string };

/**
 * The versioned document that says who holds what (P13): everyone reads the table, nobody recomputes it. `epoch` is the
 * version; `tableEpoch` the version in which the table last changed, which is what peers check (P14).
 */
export interface TopologyDocument {
  readonly format: 1;
  readonly epoch: number;
  readonly tableEpoch: number;
  readonly clusterId: string;
  /** log2 of the number of partitions. */
  readonly partitionBits: number;
  readonly nodes: readonly TopologyNode[];
  /** Per partition the indexes of its nodes, in order of preference, as many as there are nodes up to seven. */
  readonly table: readonly (readonly number[])[];
  readonly keyspaces: readonly Keyspace[];
  /** Ids are never used twice (P15). */
  readonly nextKeyspaceId: number;
  readonly adminUrl: string;
}

export const REPLICATION_FACTOR_MAX = 7;
/** A hundred years, in milliseconds. */
export const TTL_MS_MAX: number = 100 * 365 * 86_400_000;
/** What documents of earlier versions do not say of a keyspace. */
const ADDED_LATER = { ttlMs: 0, sloppyWrites: false, zoneRule: 'prefer' } as const;
const DEFAULT_FACTOR = 3;
const KEYSPACES_MAX = 1024;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** The first document of a cluster: every node active, one keyspace `default`. The same input gives the same document. */
export function formTopology(
  nodes: readonly TopologyNode[],
  options: { readonly clusterId?: string; readonly partitionBits?: number; readonly adminUrl?: string } = {},
): TopologyDocument {
  const partitionBits = options.partitionBits ?? PARTITION_BITS_DEFAULT;
  const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
  const place = new Map(sorted.map((node, index) => [node.id, index]));
  const replicas = Math.min(REPLICATION_FACTOR_MAX, sorted.length);
  const table = planPlacement({ nodes: sorted, partitionCount: 2 ** partitionBits, replicas });
  return {
    format: 1,
    epoch: 1,
    tableEpoch: 1,
    clusterId: options.clusterId ?? 'local',
    partitionBits,
    nodes: sorted.map(({ id, host, zone, weight, rpc, fabric }) => ({ id, host, zone, weight, rpc, fabric })),
    table: table.map((ids) => ids.map((id) => place.get(id)!)),
    keyspaces: [newKeyspace(1, { name: 'default' })],
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
  checkZones(document, keyspace);
  return next(document, {
    keyspaces: [...document.keyspaces, keyspace],
    nextKeyspaceId: document.nextKeyspaceId + 1,
  });
}

/** The document with other settings of a keyspace. A replication factor that would move anything is refused ({@link checkFactor}). */
export function updateKeyspace(document: TopologyDocument, choice: KeyspaceChoice): TopologyDocument {
  const present = keyspaceNamed(document, choice.name);
  const changed = checked({ ...present, ...choice, id: present.id });
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

/** The keyspace of that name; empty means `default`. `KEYSPACE_NOT_FOUND`. */
export function keyspaceNamed(document: TopologyDocument, name: string): Keyspace {
  const wanted = name === '' ? 'default' : name;
  const found = document.keyspaces.find((keyspace) => keyspace.name === wanted);
  if (found === undefined) throw new StoreError('KEYSPACE_NOT_FOUND', { message: `there is no keyspace "${wanted}"` });
  return found;
}

export function serializeTopology(document: TopologyDocument): string {
  return `${JSON.stringify(document)}\n`;
}

/** The document in `text`. `CONFIG_INVALID` names what is wrong with it. */
export function parseTopology(text: string): TopologyDocument {
  let data: Partial<TopologyDocument> | null;
  try {
    data = JSON.parse(text) as Partial<TopologyDocument> | null;
  } catch (cause) {
    throw new StoreError('CONFIG_INVALID', { message: 'the topology is not JSON', cause });
  }
  if (typeof data !== 'object' || data === null) throw wrong('it is no object');
  if (data.format !== 1) throw wrong(`its format is ${String(data.format)}, this version reads 1`);
  const { nodes, table, keyspaces } = data;
  if (!isCount(data.epoch) || !isCount(data.tableEpoch) || !isCount(data.nextKeyspaceId)) throw wrong('epoch');
  if (typeof data.clusterId !== 'string' || typeof data.adminUrl !== 'string') throw wrong('clusterId or adminUrl');
  if (!isCount(data.partitionBits) || data.partitionBits > 16) throw wrong('partitionBits');
  if (!Array.isArray(nodes) || nodes.length === 0 || !nodes.every(isNode)) throw wrong('nodes');
  if (new Set(nodes.map(({ id }) => id)).size !== nodes.length) throw wrong('a node id stands twice');
  if (!Array.isArray(table) || table.length !== 2 ** data.partitionBits)
    throw wrong('the table has not one row a partition');
  if (!table.every((row) => isRow(row, nodes.length))) throw wrong('a row of the table');
  if (!Array.isArray(keyspaces)) throw wrong('keyspaces');
  let known: Keyspace[];
  try {
    known = keyspaces.map((keyspace) => checked({ ...ADDED_LATER, ...(keyspace as Keyspace) }));
  } catch (cause) {
    throw wrong(cause instanceof Error ? `keyspaces: ${cause.message}` : 'keyspaces');
  }
  const ids = new Set(known.map(({ id }) => id));
  if (ids.size !== known.length || !known.every(({ id }) => isCount(id) && id < data.nextKeyspaceId!))
    throw wrong('keyspace ids');
  return { ...(data as TopologyDocument), keyspaces: known };
}

function next(document: TopologyDocument, change: Partial<TopologyDocument>): TopologyDocument {
  return { ...document, ...change, epoch: document.epoch + 1 };
}

function newKeyspace(id: number, choice: KeyspaceChoice): Keyspace {
  return checked({
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

function checked(keyspace: Keyspace): Keyspace {
  const { replicationFactor: factor } = keyspace;
  const bad = (what: string): StoreError =>
    new StoreError('ARGUMENT_INVALID', { message: `keyspace "${keyspace.name}": ${what}` });
  if (!isCount(factor) || factor > REPLICATION_FACTOR_MAX) {
    throw bad(`the replication factor is a whole number from 1 to ${REPLICATION_FACTOR_MAX}`);
  }
  if (!['siblings', 'lww'].includes(keyspace.conflictPolicy)) throw bad('unknown conflict policy');
  const consistencies: readonly string[] = ['ONE', 'QUORUM', 'ALL'];
  if (!consistencies.includes(keyspace.readConsistency)) throw bad('unknown read consistency');
  if (!consistencies.includes(keyspace.writeConsistency)) throw bad('unknown write consistency');
  if (!['DEVICE', 'MEMORY'].includes(keyspace.durability)) throw bad('unknown durability');
  const { ttlMs, sloppyWrites, zoneRule } = keyspace;
  if (!['prefer', 'require'].includes(zoneRule)) throw bad('unknown zone rule');
  if (typeof sloppyWrites !== 'boolean') throw bad('sloppy writes are either on or off');
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 0 || ttlMs > TTL_MS_MAX) throw bad('the ttl is 0 to 100 years');
  return keyspace;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isNode(value: unknown): value is TopologyNode {
  const node = value as Partial<TopologyNode> | null;
  if (typeof node !== 'object' || node === null) return false;
  const texts = [node.id, node.host, node.zone, node.rpc, node.fabric];
  return (
    texts.every((text) => typeof text === 'string' && text !== '') && typeof node.weight === 'number' && node.weight > 0
  );
}

function isRow(row: unknown, nodeCount: number): boolean {
  if (!Array.isArray(row) || row.length === 0 || new Set(row).size !== row.length) return false;
  return row.every((index) => Number.isInteger(index) && index >= 0 && index < nodeCount);
}

function wrong(what: string): StoreError {
  return new StoreError('CONFIG_INVALID', { message: `the topology document is damaged: ${what}` });
}
