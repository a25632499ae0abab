/** How many replicas answer before an operation is done; `quorum` is a majority. Default: the keyspace's own. */
export type Consistency = 'one' | 'quorum' | 'all';

/** `device`: flushed on the replicas that count; `memory`: accepted by them. Default: the keyspace's own. */
export type Durability = 'device' | 'memory';

export interface CallOptions {
  /** Cancels the call; it then rejects with the signal's reason, and a write is in doubt. */
  readonly signal?: AbortSignal;
  /** Time for the whole call with all its attempts, in milliseconds. */
  readonly timeoutMs?: number;
}

export interface GetOptions extends CallOptions {
  readonly consistency?: Consistency;
  /** A context of this key: the answer descends from it, else `STALE_READ`. A session does this by itself. */
  readonly atLeast?: Uint8Array;
}

export interface WriteOptions extends CallOptions {
  readonly consistency?: Consistency;
  readonly durability?: Durability;
  /**
   * What the write replaces: a context from a get or an earlier write of this key, or `'seen'` for the last one that
   * this client received. Absent: the context is read first, so the write replaces what is there now.
   */
  readonly context?: Uint8Array | 'seen';
  /** Send no context: a put becomes a sibling of whatever is there, and is never repeated when in doubt (P5). */
  readonly blind?: boolean;
  /**
   * 1 to 64 bytes that no other write of this key has: the write then has one effect however often it is sent, by this client
   * or in another call with the same token (P12). A record remembers its last 16 such writes. Costs a read at a quorum.
   */
  readonly idempotencyToken?: Uint8Array;
}

export interface PutOptions extends WriteOptions {
  /** How long the value lives, in milliseconds: more than 0, at most 100 years. Absent: as long as the keyspace says. */
  readonly ttlMs?: number;
}

export interface ScanOptions extends CallOptions {
  /** Only keys that begin with these bytes. A filter: the nodes still read every key of the keyspace. */
  readonly prefix?: Uint8Array;
  /** At most this many records; 0 or absent: all. */
  readonly limit?: number;
  /** Go on after the record that carried this token. */
  readonly pageToken?: Uint8Array;
  /** Default true. */
  readonly values?: boolean;
  readonly consistency?: Consistency;
}

/** One of several concurrent values; the bytes are the caller's. */
export interface Sibling {
  readonly value: Uint8Array;
  readonly writtenAt?: Date;
  /** Absent: never. */
  readonly expiresAt?: Date;
}

export interface GetResult {
  /** Empty: the key is absent. More than one: concurrent writes that nobody has merged. */
  readonly siblings: readonly Sibling[];
  /** Send it with the next put or delete of this key to replace exactly these siblings. */
  readonly context: Uint8Array;
  /** There are siblings that did not fit into the answer; the context does not cover them. */
  readonly moreSiblings: boolean;
}

export interface WriteResult {
  /** The request's context plus this write. */
  readonly context: Uint8Array;
  readonly ackedReplicas: number;
  readonly durableReplicas: number;
  readonly hintedReplicas: number;
}

export interface ScanRecord extends Omit<GetResult, 'moreSiblings'> {
  readonly key: Uint8Array;
  readonly pageToken: Uint8Array;
}

/** An operation of a batch. Contexts work as in {@link WriteOptions}. */
export type BatchOp =
  | ({ readonly op: 'get'; readonly keyspace: string; readonly key: Uint8Array } & Pick<
      GetOptions,
      'consistency' | 'atLeast'
    >)
  | ({
      readonly op: 'put';
      readonly keyspace: string;
      readonly key: Uint8Array;
      readonly value: Uint8Array;
    } & BatchWrite &
      Pick<PutOptions, 'ttlMs'>)
  | ({ readonly op: 'delete'; readonly keyspace: string; readonly key: Uint8Array } & BatchWrite);

type BatchWrite = Pick<WriteOptions, 'consistency' | 'durability' | 'context' | 'blind' | 'idempotencyToken'>;
