import type { StoreError } from '@ferrite/errors';

/** Hears once, later, that a change is on the medium, or why that is in doubt. */
export type OnDurable = (failed: StoreError | undefined) => void;

/**
 * The durable store under a replica: the callbacks of `@ferrite/spdk-engine` and its pages. Reads see every append accepted
 * before them. Bytes given are copied before the call returns; bytes received belong to the receiver.
 */
export interface LocalStore {
  /** Throws a `StoreError` of effect `none` if the store does not take it; once taken only a failing device loses it. */
  append(record: { keyspace: number; key: Uint8Array; value: Uint8Array }, durable: OnDurable): void;
  /** Forgets a key; no difference whether it was there. Otherwise as {@link append}. */
  remove(keyspace: number, key: Uint8Array, durable: OnDurable): void;
  /** Forgets everything accepted before this call in a partition of a keyspace. Otherwise as {@link append}. */
  dropPartition(keyspace: number, partition: number, durable: OnDurable): void;
  /** Calls `then` once, perhaps at once; it fails with `CHECKSUM_MISMATCH` if the record is damaged. */
  get(
    keyspace: number,
    key: Uint8Array,
    then: (failed: StoreError | undefined, found: { readonly value: Uint8Array } | undefined) => void,
  ): void;
  /** A page of one partition of one keyspace, in the order (hash, key). */
  scanPage(request: {
    keyspace: number;
    partition: number;
    after?: { readonly hash: bigint; readonly key: Uint8Array };
    maxRecords?: number;
    maxBytes?: number;
  }): Promise<{
    readonly records: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
    /** Records of the page's range that are missing from it because they cannot be read. */
    readonly damaged: number;
    readonly next?: { readonly hash: bigint; readonly key: Uint8Array };
  }>;
}
