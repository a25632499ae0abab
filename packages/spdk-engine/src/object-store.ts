/** What an append stores. Key and value are **copied before `append` returns**; the caller may reuse them at once. */
export interface PutRecord {
  /** Numeric id of the keyspace, 0 to 2^32-1. */
  readonly keyspace: number;
  /** 1 to 1024 bytes. */
  readonly key: Uint8Array;
  /** 0 bytes to 17 MiB, less where the image has small segments. */
  readonly value: Uint8Array;
  /** Generation of the key's partition, 0 to 2^32-1 (default 0), so that a dropped partition cannot return on replay. */
  readonly generation?: number;
  /** Absolute expiry in Unix milliseconds, 0 for none (the default). Stored and returned; nothing is removed by time but where the engine was opened with `expire`. */
  readonly expiresAtMs?: number;
}

/**
 * A record as it is stored. The bytes belong to the receiver. Small records that were read together may be views into
 * one buffer of up to 64 KiB: copy what is to be kept for long.
 */
export interface StoredRecord {
  readonly keyspace: number;
  /** Top bits of XXH64(key, seed 0). */
  readonly partition: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Position in the order of all appends of this image, from 1; grows by at least 1 an append, safe as a number. */
  readonly sequence: number;
  readonly generation: number;
  /** Unix milliseconds, 0 for none. */
  readonly expiresAtMs: number;
}

/** An append the store has accepted: space and its place in the order are taken, and only a failed device can undo it. */
export interface Appended {
  readonly sequence: number;
  /**
   * Settles after the flush that covers this append. Rejects with a `StoreError` of effect `unknown` when the device
   * failed or the store closed under it. Left alone it is never reported as an unhandled rejection.
   */
  readonly durable: Promise<void>;
}

/** One write of a batch. */
export type BatchWrite =
  | { readonly append: PutRecord }
  | { readonly remove: { readonly keyspace: number; readonly key: Uint8Array } };

/** A batch the store has accepted; as {@link Appended} otherwise. */
export interface AppendedBatch {
  /** Of the first write; the others follow without a gap. */
  readonly firstSequence: number;
  readonly durable: Promise<void>;
}

/** A place in the order (hash, key) of one partition: that of a key, whether it is there or not. */
export interface ScanPosition {
  /** XXH64(key, seed 0). */
  readonly hash: bigint;
  readonly key: Uint8Array;
}

/** What one page of a scan asks for. */
export interface ScanPageRequest {
  readonly keyspace: number;
  readonly partition: number;
  /** Only what lies strictly after this place; absent: from the partition's start. */
  readonly after?: ScanPosition;
  /** 1 to 4096 (default 256). */
  readonly maxRecords?: number;
  /** Bytes of keys and values after which the page ends, 1 to 16 MiB (default 1 MiB). The first record always fits. */
  readonly maxBytes?: number;
  /** False leaves every `value` empty and spares the reading of it (default true). */
  readonly values?: boolean;
}

/** Records in the order (hash, key). */
export interface ScanPage {
  readonly records: readonly StoredRecord[];
  /** Records of the page's range that are missing from it because they are damaged. */
  readonly damaged: number;
  /** Where the next page starts; absent when the partition has no more. */
  readonly next?: ScanPosition;
}

/** What a scan of one partition asks for; the limits are those of one page. */
export type ScanRequest = ScanPageRequest;

/**
 * A durable map from (keyspace, key) to record: the contract that every implementation passes
 * (`objectStoreConformance` in `./testing`).
 *
 * Appends take effect in the order of the calls. A `get` or `scanPage` sees every append accepted before it, and
 * perhaps later ones, but only once they are durable: it waits rather than show what a crash could take back.
 *
 * A call that is not accepted throws (`append`, `remove`, `dropPartition`, `batch`) or rejects (the rest) with a `StoreError` of effect `none`:
 * `KEY_EMPTY`, `KEY_TOO_LARGE`, `VALUE_TOO_LARGE`, `ARGUMENT_INVALID`, `DEVICE_FULL` (reads and removes go on),
 * `OVERLOADED` (a queue is full; come back after some completions), `DEVICE_FAILED`, `SHUTTING_DOWN`.
 */
export interface ObjectStore {
  /** Stores a record over an older one of that key. */
  append(record: PutRecord): Appended;
  /** Forgets a key; no difference whether it was there. The key is copied before the call returns. */
  remove(keyspace: number, key: Uint8Array): Appended;
  /**
   * Forgets everything that was accepted in a partition before this call, at the cost of one small record whatever there
   * is; what is appended afterwards stays. Its space comes back in the background, soon after `durable`.
   */
  dropPartition(keyspace: number, partition: number): Appended;
  /**
   * Takes 1 to 4096 writes as one, in their order: after a crash they are there all or not at all, and no get, page of a
   * scan or snapshot shows some of them without the others. Refused as a whole if any of them is; more than one may take
   * `report.batchBytesMax` bytes of the log (about 1 MiB; less with small segments), `VALUE_TOO_LARGE` beyond.
   */
  batch(writes: readonly BatchWrite[]): AppendedBatch;
  /** The record of a key, or `undefined`. Rejects with `CHECKSUM_MISMATCH` when its bytes are damaged. The key is copied. */
  get(keyspace: number, key: Uint8Array): Promise<StoredRecord | undefined>;
  /** One page of one partition, in the order (hash, key). Not a snapshot: it shows what is there when it is read. */
  scanPage(request: ScanPageRequest): Promise<ScanPage>;
  /**
   * A whole partition, page after page, at most one page ahead of the reader; stop early with `break`. Throws
   * `CHECKSUM_MISMATCH` after the good records of a page with damaged ones; read pages to go on behind them.
   */
  scan(request: ScanRequest): AsyncIterable<StoredRecord>;
  /** Settles when everything accepted before it is durable. */
  flush(): Promise<void>;
}
