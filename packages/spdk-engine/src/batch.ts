import { StoreError } from '@ferrite/errors';
import { BATCH_WRITES_MAX } from './limits.ts';
import type { BatchWrite } from './object-store.ts';
import { checkKey, checkRecord } from './record-check.ts';

/** What a batch is to an image. */
interface BatchLimits {
  readonly valueBytesMax: number;
  readonly batchBytesMax: number;
}

/** Numbers of one write, as the addon reads them: removal, keyspace, generation, expiry, bytes of key and of value. */
const COLUMNS = 6;
const NO_BYTES = new Uint8Array();

/**
 * Throws unless a store takes every write, and all of them as one: `ARGUMENT_INVALID`, `KEY_EMPTY`, `KEY_TOO_LARGE`,
 * `VALUE_TOO_LARGE`.
 */
export function checkBatch(writes: readonly BatchWrite[], { valueBytesMax, batchBytesMax }: BatchLimits): void {
  if (!Array.isArray(writes) || writes.length === 0 || writes.length > BATCH_WRITES_MAX) {
    throw new StoreError('ARGUMENT_INVALID', { message: `a batch is an array of 1 to ${BATCH_WRITES_MAX} writes` });
  }
  let bytes = 0;
  for (const write of writes) {
    if ('append' in write) {
      checkRecord(write.append, valueBytesMax);
      bytes += recordBytes(write.append.key.length + write.append.value.length);
    } else if ('remove' in write) {
      checkKey(write.remove.keyspace, write.remove.key);
      bytes += recordBytes(write.remove.key.length);
    } else {
      throw new StoreError('ARGUMENT_INVALID', { message: 'a write of a batch is an append or a remove' });
    }
  }
  if (writes.length > 1 && bytes > batchBytesMax) {
    throw new StoreError('VALUE_TOO_LARGE', {
      message: `the batch takes ${bytes} bytes of the log, ${batchBytesMax} are allowed`,
      details: { bytes: String(bytes), bytesMax: String(batchBytesMax) },
    });
  }
}

/** A checked batch for the addon: numbers, and keys and values one after the other. */
export function packBatch(writes: readonly BatchWrite[]): {
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
} {
  const numbers = new Float64Array(writes.length * COLUMNS);
  const parts: Uint8Array[] = [];
  for (const [index, write] of writes.entries()) {
    const removal = 'remove' in write;
    const { keyspace, key, value, generation = 0, expiresAtMs = 0 } = removal ? asRecord(write.remove) : write.append;
    numbers.set([Number(removal), keyspace, generation, expiresAtMs, key.length, value.length], index * COLUMNS);
    parts.push(key, value);
  }
  return { numbers, bytes: Buffer.concat(parts) };
}

function asRecord({ keyspace, key }: { readonly keyspace: number; readonly key: Uint8Array }) {
  return { keyspace, key, value: NO_BYTES, generation: 0, expiresAtMs: 0 };
}

/** Bytes in the log of a record whose key and value have `payload`. */
function recordBytes(payload: number): number {
  return Math.ceil((48 + payload) / 16) * 16;
}
