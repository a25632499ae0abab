import type { StoreError } from '@ferrite/errors';
import type { CausalContext } from '@ferrite/vector-clock';
import type { Liveness } from './membership/claim.ts';
import type { Outcome, PeerRequest, PeerResponse, ScanPlace } from './message.ts';
import type { Consistency, Durability, Keyspace, TopologyDocument } from './topology.ts';

/** What a client asks of this node. Times are Unix milliseconds, `timeoutMs` is from now. */
export type ClientCommand =
  | {
      readonly type: 'get';
      readonly keyspace: Keyspace;
      readonly key: Uint8Array;
      readonly consistency: Consistency;
      /** The answer descends from it, or there is none (P11). */
      readonly atLeast?: CausalContext | undefined;
      readonly timeoutMs: number;
    }
  | {
      readonly type: 'put' | 'delete';
      readonly keyspace: Keyspace;
      readonly key: Uint8Array;
      /** Empty for a delete. */
      readonly value: Uint8Array;
      /** Absent: a blind put, or a delete of what a quorum sees. */
      readonly context: CausalContext | undefined;
      readonly consistency: Consistency;
      readonly durability: Durability;
      /** How long a put lives, in milliseconds; absent: as long as the keyspace says. */
      readonly ttlMs?: number | undefined;
      /** The same in a write that is sent again; it then has one effect (P12). */
      readonly idempotencyToken?: Uint8Array | undefined;
      readonly timeoutMs: number;
    }
  | {
      readonly type: 'scan';
      readonly keyspace: Keyspace;
      readonly partition: number;
      readonly after: ScanPlace | undefined;
      readonly maxRecords: number;
      readonly maxBytes: number;
      readonly consistency: Consistency;
      readonly timeoutMs: number;
    };

/** A page of the local store; records of one keyspace in (hash, key) order. */
export interface StorePage {
  readonly records: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
  /** Records of the page's range that are missing from it because they cannot be read. */
  readonly damaged: number;
  /** Where the next page starts; absent when the keyspace has no more in this partition. */
  readonly next: { readonly hash: bigint; readonly key: Uint8Array } | undefined;
}

/** Everything that can happen to the core. An event with a `ticket` answers the effect that carried it. */
export type Event =
  | { readonly type: 'start' }
  | { readonly type: 'client'; readonly op: number; readonly command: ClientCommand }
  | { readonly type: 'request'; readonly id: number; readonly request: PeerRequest }
  /** A peer's answer, or why there is none, and how long that took. */
  | {
      readonly type: 'peer';
      readonly ticket: number;
      readonly outcome: Outcome<PeerResponse>;
      readonly tookMs: number;
    }
  /** What membership holds of a node. It may be wrong: nothing but the choice of peers follows from it. */
  | { readonly type: 'liveness'; readonly node: string; readonly liveness: Liveness }
  | { readonly type: 'read'; readonly ticket: number; readonly outcome: Outcome<Uint8Array | undefined> }
  | { readonly type: 'page'; readonly ticket: number; readonly outcome: Outcome<StorePage> }
  /** The engine took the append (its place in the log is fixed), or refused it. */
  | { readonly type: 'accepted'; readonly ticket: number; readonly refused: StoreError | undefined }
  /** The append is on the medium, or the device failed. Follows `accepted`. */
  | { readonly type: 'durable'; readonly ticket: number; readonly failed: StoreError | undefined }
  | { readonly type: 'timer'; readonly ticket: number }
  | { readonly type: 'registered'; readonly ticket: number; readonly outcome: Outcome<Registration> }
  | { readonly type: 'topology'; readonly document: TopologyDocument }
  /** The engine found something that it cannot read back, by a scrub or in passing. */
  | { readonly type: 'damage'; readonly report: DamageReport }
  | { readonly type: 'stop' };

/** Damage, as far as it can be named; an absent partition means any. */
export interface DamageReport {
  readonly keyspace?: number | undefined;
  readonly partition?: number | undefined;
  readonly key?: Uint8Array | undefined;
}

/** What the topology store says to a boot (P9). */
export interface Registration {
  /** This boot is now the highest registered one. */
  readonly registered: boolean;
  /** The highest boot that was registered before. */
  readonly known?: KnownBoot;
}

export interface KnownBoot {
  readonly boot: number;
  readonly incarnation: string;
}
