import type { StoreError } from '@ferrite/errors';
import type { CausalContext } from '@ferrite/vector-clock';
import type { Floor } from './at-least.ts';
import type { Versions } from './record.ts';
import type { RepairRequest, RepairResponse } from './repair-message.ts';
import type { Consistency } from './topology.ts';

/**
 * What a replica's word is worth for a partition (P7, P9, P17). `member`: it counts in read quorums. `ambiguous`: its log
 * may have lost its last group. `recovering`: data is missing. `unverified`: its disk may have been rolled back.
 * `unreadable`: a member that has lost this one record.
 */
export type Standing = 'member' | 'ambiguous' | 'recovering' | 'unverified' | 'unreadable';

/** A place in the order of a scan; the scan goes on strictly after it. */
export interface ScanPlace {
  readonly keyspaceId: number;
  readonly hash: bigint;
  readonly key: Uint8Array;
}

/** Which record. */
export interface RecordName {
  readonly keyspaceId: number;
  readonly key: Uint8Array;
}

/** A record in transit. */
export interface ScannedRecord {
  readonly keyspaceId: number;
  readonly key: Uint8Array;
  /** {@link encodeVersions} */
  readonly record: Uint8Array;
}

/** An operation that its member replica carries out for another node (P2). */
export type CoordinatedOp =
  | { readonly op: 'get'; readonly consistency: Consistency }
  | {
      readonly op: 'put' | 'delete';
      readonly value: Uint8Array;
      /** Absent: a blind write. */
      readonly context: CausalContext | undefined;
      readonly consistency: Consistency;
      readonly memory: boolean;
      /** How long a put lives, in milliseconds; 0: for good. */
      readonly ttlMs: number;
      /** The hash of the token of a write that may be sent again (P12). */
      readonly token?: bigint | undefined;
    };

/** What one node asks another. `epoch` is the sender's table epoch. */
export type PeerRequest =
  | {
      readonly type: 'write';
      readonly epoch: number;
      readonly keyspaceId: number;
      readonly key: Uint8Array;
      readonly record: Uint8Array;
      /** Confirm once accepted rather than once flushed. */
      readonly memory: boolean;
      /** What the sender knew of the receiver's fence before it read the record. */
      readonly fence: number;
    }
  | {
      readonly type: 'read';
      readonly epoch: number;
      readonly keyspaceId: number;
      readonly key: Uint8Array;
      /** Tell as well what the receiver's actor may have used for records that are forgotten. */
      readonly withFloor?: boolean;
    }
  | {
      readonly type: 'scan';
      readonly epoch: number;
      /** 0: all keyspaces. */
      readonly keyspaceId: number;
      readonly partition: number;
      readonly after: ScanPlace | undefined;
      readonly maxRecords: number;
      readonly maxBytes: number;
    }
  | {
      readonly type: 'coordinate';
      readonly epoch: number;
      readonly keyspaceId: number;
      readonly key: Uint8Array;
      readonly op: CoordinatedOp;
      readonly timeoutMs: number;
    }
  | {
      readonly type: 'hello';
      readonly nodeId: string;
      readonly clusterId: string;
      /** 0 only asks what is known. */
      readonly boot: number;
      /** 32 hex digits drawn by the process. */
      readonly incarnation: string;
      readonly epoch: number;
      /** Remember this boot durably: the topology store is away (P9). */
      readonly register: boolean;
    }
  /** Which epoch is in force and durable with the receiver, and of these partitions which it is a member of (P14). */
  | { readonly type: 'confirm'; readonly epoch: number; readonly partitions: readonly number[] }
  | RepairRequest;

/** What comes back; a failure comes back as a StoreError. */
export type PeerResponse =
  | { readonly type: 'write'; readonly durable: boolean }
  /** The record was read before the receiver forgot something: read it again and send it with this number. */
  | { readonly type: 'fenced'; readonly fence: number }
  | {
      readonly type: 'read';
      readonly record: Uint8Array;
      readonly standing: Standing;
      readonly floor?: Floor | undefined;
    }
  | {
      readonly type: 'scan';
      readonly records: readonly ScannedRecord[];
      /** Records follow the last one of this page. */
      readonly more: boolean;
      readonly standing: Standing;
      /** Records of the page's range that the replica does not vouch for, whether they are in the page or not. */
      readonly unreadable: readonly RecordName[];
    }
  | { readonly type: 'got'; readonly record: Uint8Array }
  | { readonly type: 'wrote'; readonly result: WriteResult }
  | {
      readonly type: 'hello';
      readonly nodeId: string;
      readonly boot: number;
      readonly incarnation: string;
      readonly epoch: number;
      /** The highest boot of the caller that the receiver knows of, this one included; 0 if none. */
      readonly knownBoot: number;
      readonly knownIncarnation: string;
      /** With what the receiver's fences began in this life. */
      readonly fence: number;
      /** The receiver's wall clock. */
      readonly wallMs: number;
      /** What the receiver's clients have in flight; background work of the caller yields to them. */
      readonly clientOps: number;
    }
  | { readonly type: 'confirmed'; readonly epoch: number; readonly members: readonly number[] }
  | RepairResponse;

/** A finished write. */
export interface WriteResult {
  /** The request's context and the new dot (P4). */
  readonly context: CausalContext;
  readonly acked: number;
  readonly durable: number;
  /** Replicas for which a stored hint counted instead (P10). */
  readonly hinted: number;
}

/** A finished get: what R replicas know together. */
export interface GetResult {
  readonly versions: Versions;
}

/** A value or the fault that came instead. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: StoreError };

export type ConfirmRequest = Extract<PeerRequest, { readonly type: 'confirm' }>;
