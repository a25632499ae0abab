import { StoreError } from '@ferrite/errors';

/**
 * `joining`: its first moves are open. `draining`: gives all it has to others and stays without partitions. `removed`:
 * leaves the document when the last move that takes something from it is done, whether it helps or is dead.
 */
export type NodeState = 'joining' | 'active' | 'draining' | 'removed';

/** A member of the cluster as the topology names it. */
export interface TopologyNode {
  readonly id: string;
  readonly state: NodeState;
  /** Failure domain: nodes of one host fail together. */
  readonly host: string;
  /** Larger failure domain. */
  readonly zone: string;
  /** Its share of the partitions relative to others, above 0. */
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

/** A node before it is part of a topology. */
export type NodeDescription = Omit<TopologyNode, 'state'>;

/** A named set of keys with one policy. */
export interface Keyspace {
  readonly id: number;
  readonly name: string;
  readonly replicationFactor: number;
  /** The factor that the open moves lead to, where it is another. */
  readonly nextFactor?: number;
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
export type KeyspaceChoice = Partial<Omit<Keyspace, 'id' | 'name' | 'nextFactor'>> & { readonly name: string };

/**
 * How far a move is (P14). `waiting`: nothing has changed yet. `widen`: writes go to the old replicas and the new ones,
 * reads to the old. `read`: reads go to the new. `narrow`: writes too; the old ones may drop what they have once all new
 * ones have confirmed. `done`: the target is what the table says, and becomes so when all moves are done.
 */
export const MOVE_PHASES = ['waiting', 'widen', 'read', 'narrow', 'done'] as const;
export type MovePhase = (typeof MOVE_PHASES)[number];

/** A partition on its way from its row of the table to another. */
export interface Move {
  readonly partition: number;
  /** Indexes of the nodes it goes to, in order of preference. */
  readonly target: readonly number[];
  readonly phase: MovePhase;
  /** The epoch in which the phase began: requests about this partition with a lower one are refused. */
  readonly epoch: number;
  /** Where it goes on to: a plan that was committed while this move was under way. */
  readonly onward?: readonly number[];
}

/** A wish about the members of the cluster, or how many of them hold a record. */
export type TopologyChange =
  | { readonly type: 'join'; readonly node: NodeDescription }
  /** For a node that leaves, and for one that is dead. */
  | { readonly type: 'leave'; readonly node: string }
  | { readonly type: 'replace'; readonly node: string; readonly by: NodeDescription }
  /** The node gives all it has to others, and stays. */
  | { readonly type: 'drain'; readonly node: string }
  /** The end of a drain. */
  | { readonly type: 'resume'; readonly node: string }
  | { readonly type: 'reweight'; readonly node: string; readonly weight: number }
  | { readonly type: 'relocate'; readonly node: string; readonly zone: string; readonly host: string }
  | { readonly type: 'factor'; readonly keyspace: string; readonly replicationFactor: number };

/** A partition that a plan gives other replicas. */
export interface PlannedMove {
  readonly partition: number;
  /** Indexes into the nodes of the plan. */
  readonly target: readonly number[];
}

/** What would be done: part of the document, so that whoever commits it commits what was shown. */
export interface TopologyPlan {
  /** The epoch in which it was planned names it. */
  readonly id: number;
  /** The table it is a change of; stale, once there is another. */
  readonly tableEpoch: number;
  readonly changes: readonly TopologyChange[];
  /** The nodes of the document in their places, in their new state, and behind them those that join. */
  readonly nodes: readonly TopologyNode[];
  readonly moves: readonly PlannedMove[];
}

/**
 * The versioned document that says who holds what (P13): everyone reads the table, nobody recomputes it. `epoch` is the
 * version; `tableEpoch` the version in which the table last changed, which is what peers check (P14).
 */
export interface TopologyDocument {
  readonly format: 2;
  readonly epoch: number;
  readonly tableEpoch: number;
  readonly clusterId: string;
  /** log2 of the number of partitions. */
  readonly partitionBits: number;
  readonly nodes: readonly TopologyNode[];
  /**
   * Per partition the indexes of its nodes, in order of preference, as many as the largest replication factor asks for. A
   * keyspace uses the first so many as its own factor says.
   */
  readonly table: readonly (readonly number[])[];
  /** What is on its way from the table to another (P14), ascending by partition, at most one a partition. */
  readonly moves: readonly Move[];
  /** A change that is proposed and not in force. */
  readonly plan?: TopologyPlan;
  readonly keyspaces: readonly Keyspace[];
  /** Ids are never used twice (P15). */
  readonly nextKeyspaceId: number;
  readonly adminUrl: string;
}

export const REPLICATION_FACTOR_MAX = 7;
export const NODES_MAX = 4096;
/** A hundred years, in milliseconds. */
export const TTL_MS_MAX: number = 100 * 365 * 86_400_000;

/** The keyspace of that name; empty means `default`. `KEYSPACE_NOT_FOUND`. */
export function keyspaceNamed(document: TopologyDocument, name: string): Keyspace {
  const wanted = name === '' ? 'default' : name;
  const found = document.keyspaces.find((keyspace) => keyspace.name === wanted);
  if (found === undefined) throw new StoreError('KEYSPACE_NOT_FOUND', { message: `there is no keyspace "${wanted}"` });
  return found;
}

/** The document's next version. */
export function next(document: TopologyDocument, change: Partial<TopologyDocument>): TopologyDocument {
  return { ...document, ...change, epoch: document.epoch + 1 };
}

/** The keyspace, if all about it is known to this version. `ARGUMENT_INVALID`. */
export function checkedKeyspace(keyspace: Keyspace): Keyspace {
  const { replicationFactor: factor } = keyspace;
  const bad = (what: string): StoreError =>
    new StoreError('ARGUMENT_INVALID', { message: `keyspace "${keyspace.name}": ${what}` });
  const { nextFactor = factor } = keyspace;
  if (!isCount(factor) || !isCount(nextFactor) || Math.max(factor, nextFactor) > REPLICATION_FACTOR_MAX) {
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

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
