import type { CausalContext, Dot } from '@ferrite/vector-clock';
import type { ConflictPolicy, Consistency, Durability } from '../core/topology.ts';

/** A write as its client knows it. Times are virtual milliseconds. */
export interface WriteRecord {
  readonly id: number;
  readonly key: string;
  readonly kind: 'put' | 'delete';
  /** Unique over the run; empty for a delete. */
  readonly value: string;
  /** Absent: a blind put, or a delete of what a quorum sees. */
  readonly context: CausalContext | undefined;
  readonly consistency: Consistency;
  readonly durability: Durability;
  readonly startedAt: number;
  /** Infinity while, or if ever, no answer came. */
  endedAt: number;
  /** `none`: refused for sure; `unknown`: it may take effect at any time. */
  outcome: 'done' | 'none' | 'unknown';
  /** The context of a finished write. */
  response: CausalContext | undefined;
  /** Its hybrid time, where the answer carried one; else 0. */
  time?: number;
  /** It was sent again until it was answered, each time with the same token. */
  readonly tokened?: boolean;
  /** How long the value was to live, in milliseconds; 0 or absent: for good. */
  readonly ttlMs?: number;
  /** When the value expires, in Unix milliseconds, once some read has told. */
  expiresAtMs?: number;
  /** Copies that the answer spoke of. */
  acked: number;
  durable: number;
  /** Hints that counted instead of copies. */
  hinted?: number;
  /** How many replicas the key has. */
  readonly replicas: number;
  /** Who the replicas are may have changed under way, and with it how many confirm. */
  readonly moved?: boolean;
}

/** One of the values that a read returned. */
export interface SeenValue {
  readonly dot: Dot;
  readonly value: string;
  /** Its hybrid time in a keyspace with the policy `lww`. */
  readonly time?: number;
  /** Unix milliseconds; 0 or absent: never. */
  readonly expiresAtMs?: number;
}

/** A read that succeeded. */
export interface ReadRecord {
  readonly id: number;
  readonly key: string;
  readonly consistency: Consistency;
  /** A scan returns records without repairing them first, and knows nothing of the context of what it leaves out. */
  readonly source: 'get' | 'scan' | 'scan-absent';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly context: CausalContext;
  /** What the answer had to descend from. */
  readonly atLeast?: CausalContext | undefined;
  readonly values: readonly SeenValue[];
  /** The wall clock of the node that answered, and the latest time that most clocks have shown by then. */
  readonly wallMs?: number;
  readonly mostWallMs?: number;
}

/** What a replica holds of a key when all is over. */
export interface FinalState {
  readonly key: string;
  readonly node: string;
  readonly context: CausalContext;
  readonly values: readonly SeenValue[];
}

/** A scan, page by page, whether it came to its end or not. */
export interface ScanRecord {
  readonly id: number;
  readonly partition: number;
  readonly pages: readonly {
    readonly keys: readonly { readonly key: string; readonly hash: bigint; readonly partition: number }[];
    readonly next: { readonly hash: bigint; readonly key: Uint8Array } | undefined;
  }[];
}

/**
 * What no fault of the run could take: all that was `accepted`, because no process died; all that was `flushed`, because
 * no disk lost anything; or what a `quorum` of replicas flushed.
 */
export type Kept = 'accepted' | 'flushed' | 'quorum';

export interface History {
  /** Replicas forget deleted records: a context that was known once may be unknown later, its values stay gone. */
  readonly forgets?: boolean;
  /** The conflict policy of the keyspace; `siblings` unless given. */
  readonly policy?: ConflictPolicy;
  readonly writes: readonly WriteRecord[];
  readonly reads: readonly ReadRecord[];
  readonly scans: readonly ScanRecord[];
  readonly finals: readonly FinalState[];
  readonly kept: Kept;
}

/** A promise that was broken. */
export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

/** The rules of `checkHistory`, and what the simulator sees by itself. */
export type Rule =
  | 'not-deterministic'
  | 'answered-twice'
  | 'core-threw'
  | 'fail-stop'
  | 'not-live'
  | 'not-converged'
  | 'tree-out-of-step'
  | 'left-behind'
  | 'not-forgotten'
  | 'absent-at-one'
  | 'delete-incomplete'
  | 'invented'
  | 'refused-but-written'
  | 'written-twice'
  | 'short-ack'
  | 'scan-order'
  | 'unexpected-error'
  | 'dot-reused'
  | 'context-widened'
  | 'context-unseen'
  | 'lost'
  | 'resurrected'
  | 'ordered-siblings'
  | 'too-many-siblings'
  | 'older-than-demanded'
  | 'applied-twice'
  | 'several-at-lww'
  | 'expired-shown'
  | 'went-back'
  | 'diverged';
