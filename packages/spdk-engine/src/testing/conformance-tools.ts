import assert from 'node:assert/strict';
import { type Reason, StoreError } from '@ferrite/errors';
import type { Engine } from '../engine.ts';
import type { StoredRecord } from '../object-store.ts';
import { MiB } from './conformance-input.ts';

/** Latencies are the engine's alone: a twin in memory takes no time. */
export type TestedStore = Omit<Engine, 'calls' | 'latency' | 'snapshot' | 'scrub' | 'damage'>;

/** An image that a conformance case may open, close and, where it outlives its engine, open again. */
export interface ConformanceTarget {
  open(): Promise<TestedStore>;
  /** True if records outlive `close`. */
  readonly persistent: boolean;
  /** Removes what the target left behind; every engine is closed by then. */
  dispose(): Promise<void>;
}

/** What the suite asks of the image it is given. */
export interface ConformanceImage {
  readonly sizeBytes: number;
  readonly segmentBytes: number;
  readonly partitionBits: number;
}

/** Every case has a new one like this. */
export const IMAGE: ConformanceImage = { sizeBytes: MiB(64), segmentBytes: MiB(4), partitionBits: 4 };

/** How a sentence of the contract is tried; the store is open, and closed by the suite. */
export type Check = (store: TestedStore, target: ConformanceTarget) => Promise<void>;

/** The record of a key that must be there. */
export async function found(store: TestedStore, keyspace: number, key: Uint8Array): Promise<StoredRecord> {
  const record = await store.get(keyspace, key);
  assert.ok(record !== undefined, `no record of ${Buffer.from(key).toString()}`);
  return record;
}

/** Every record of a partition, or of all of them. */
export async function all(store: TestedStore, keyspace: number, partition?: number): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (const each of partition === undefined ? partitions() : [partition]) {
    for await (const record of store.scan({ keyspace, partition: each, maxRecords: 7 })) records.push(record);
  }
  return records;
}

/** Numbers of all partitions. */
export function partitions(): number[] {
  return Array.from({ length: 2 ** IMAGE.partitionBits }, (_, partition) => partition);
}

/** Fails unless the call throws a `StoreError` of this reason and effect `none`. */
export function refuses(reason: Reason, call: () => unknown): void {
  assert.throws(call, (error) => isRefusal(error, reason));
}

/** The same of a promise. */
export async function rejects(reason: Reason, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => isRefusal(error, reason));
}

function isRefusal(error: unknown, reason: Reason): boolean {
  assert.ok(StoreError.is(error), `a StoreError ${reason}, not ${String(error)}`);
  assert.deepEqual([error.reason, error.effect], [reason, 'none']);
  return true;
}
