import type { Place } from './walk.ts';

/** Byte layout of a snapshot stream; `native/engine/SNAPSHOT.md` has the tables. All numbers are little-endian. */
export const MAGIC = 0x4e53_5246; // "FRSN"
export const VERSION = 1;

export const BLOCK = { header: 1, entries: 2, trailer: 3 } as const;
export const BLOCK_HEAD_BYTES = 24;
/** Of a block's head, its last field: the checksum of the bytes before it and of the payload. */
export const BLOCK_CRC_OFFSET = 20;
/** Bytes of an entry block's payload, at most. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;
/** Bytes of any block's payload, at most: a trailer may list much damage. */
export const TRAILER_BYTES_MAX = 8 * 1024 * 1024;

export const ENTRY = { record: 1, range: 2 } as const;
export const RECORD_HEAD_BYTES = 32;
export const RANGE_HEAD_BYTES = 40;
export const HEADER_BYTES = 32;
export const TRAILER_BYTES = 40;
export const DAMAGE_BYTES = 8;

/** What the first block says. */
export interface SnapshotHeader {
  /** Identity of the image that the snapshot was taken of: 32 hexadecimal digits. */
  readonly imageId: string;
  /** 0: everything. Else an increment: what changed after this sequence. */
  readonly baseSequence: number;
  readonly partitionBits: number;
}

/**
 * Says what lies between two places, both included: the kept records, the `records` that follow, and nothing else.
 * A later range overrules an earlier one.
 */
export interface SnapshotRange {
  /** Of the kept and of the following records. */
  readonly keyspace: number;
  readonly first: Place;
  readonly last: Place;
  /** Hashes of one record each that the base already has, ascending. */
  readonly kept: BigUint64Array;
  readonly records: number;
}

/** One record; views borrow from what was decoded. */
export interface SnapshotRecord {
  readonly keyspace: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly generation: number;
  readonly sequence: number;
  readonly expiresAtMs: number;
}

/** Where a snapshot could not read a record: it is missing from the snapshot. */
export interface SnapshotDamage {
  readonly keyspace: number;
  readonly partition: number;
}

/** What a whole snapshot is. */
export interface SnapshotReport extends SnapshotHeader {
  /** The content is that of this moment: every write up to it, and none after. */
  readonly sequence: number;
  /** Records in the stream; one that changed meanwhile may be there more than once. */
  readonly records: number;
  /** Bytes of their keys and values. */
  readonly bytes: number;
  /** Partitions of which records are missing because they could not be read, each once. */
  readonly damaged: readonly SnapshotDamage[];
}
