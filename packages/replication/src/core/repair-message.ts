import type { ScannedRecord } from './message.ts';
import type { Place } from './place.ts';

/** What replicas ask each other to find out where they differ. `epoch` is the sender's table epoch. */
export type RepairRequest =
  | { readonly type: 'roots'; readonly epoch: number; readonly partitions: readonly number[] }
  | {
      readonly type: 'branch';
      readonly epoch: number;
      readonly partition: number;
      readonly keyspaceId: number;
      /** A node of the Merkle tree; 0 is the root. */
      readonly node: number;
    }
  | {
      readonly type: 'leaves';
      readonly epoch: number;
      readonly partition: number;
      readonly keyspaceId: number;
      readonly bucket: number;
      /** Exclusive start; absent: from the bucket's beginning. */
      readonly after: Place | undefined;
    }
  | ForgetRequest;

/** Confirm that these records are here exactly so, or drop those that are: all replicas have confirmed them (P8). */
export interface ForgetRequest {
  readonly type: 'forget';
  readonly epoch: number;
  readonly partition: number;
  readonly records: readonly ScannedRecord[];
  readonly drop: boolean;
}

export type RepairResponse =
  /** Of the trees that are in step; of the others there is nothing to say yet. */
  | { readonly type: 'roots'; readonly roots: readonly TreeRoot[] }
  /** The hashes of the node's children in order; none if the tree is not in step. */
  | { readonly type: 'branch'; readonly children: readonly bigint[] }
  | {
      readonly type: 'leaves';
      readonly leaves: readonly Leaf[];
      /** Where the next answer starts; absent at the end of the bucket. */
      readonly next: Place | undefined;
    }
  | {
      readonly type: 'forget';
      /** Why nothing of the partition can be forgotten now; empty if it can. */
      readonly blocked: string;
      /** Places in the request's list of the records that are here so, or were dropped. */
      readonly agreed: readonly number[];
    };

export interface TreeRoot {
  readonly partition: number;
  readonly keyspaceId: number;
  readonly root: bigint;
}

/** A record as a Merkle tree counts it. */
export interface Leaf {
  readonly key: Uint8Array;
  readonly hash: bigint;
}
