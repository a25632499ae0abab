import type { StoreError } from '@ferrite/errors';
import type { PutRecord, StoredRecord } from './object-store.ts';

/** Hears that a change is on the medium, or why nobody knows whether it is (effect `unknown`). Called once, never within the call that it was given to. */
export type OnDurable = (failed: StoreError | undefined) => void;

/**
 * The single-record part of an {@link ObjectStore} without promises, for a caller with thousands of operations in flight
 * (a promise an operation costs it as much as the operation). The same guarantees, limits and errors.
 */
export interface CallbackStore {
  /** Returns the sequence, or throws if the store does not take the record; key and value are copied before it returns. */
  append(record: PutRecord, durable: OnDurable): number;
  remove(keyspace: number, key: Uint8Array, durable: OnDurable): number;
  dropPartition(keyspace: number, partition: number, durable: OnDurable): number;
  /**
   * Calls `then` once: before it returns if the key is certainly absent or the call is refused, otherwise from the event
   * loop. Never throws.
   */
  get(
    keyspace: number,
    key: Uint8Array,
    then: (failed: StoreError | undefined, found: StoredRecord | undefined) => void,
  ): void;
}
