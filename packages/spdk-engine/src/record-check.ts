import { StoreError } from '@ferrite/errors';
import { KEY_BYTES_MAX, SCAN_BYTES_MAX, SCAN_RECORDS_MAX, VALUE_BYTES_MAX } from './limits.ts';
import type { PutRecord, ScanPageRequest } from './object-store.ts';

const U32_MAX = 0xffff_ffff;

/** Throws unless `keyspace` and `key` can name a record: `ARGUMENT_INVALID`, `KEY_EMPTY`, `KEY_TOO_LARGE`. */
export function checkKey(keyspace: number, key: Uint8Array): void {
  checkInteger('keyspace', keyspace, 0, U32_MAX);
  checkBytes('key', key);
  if (key.byteLength === 0) throw new StoreError('KEY_EMPTY');
  if (key.byteLength > KEY_BYTES_MAX) {
    throw new StoreError('KEY_TOO_LARGE', {
      message: `the key has ${key.byteLength} bytes, ${KEY_BYTES_MAX} are allowed`,
    });
  }
}

/** {@link checkKey}, and `VALUE_TOO_LARGE` beyond `valueBytesMax`. */
export function checkRecord(record: PutRecord, valueBytesMax: number = VALUE_BYTES_MAX): void {
  checkKey(record.keyspace, record.key);
  checkBytes('value', record.value);
  if (record.generation !== undefined) checkInteger('generation', record.generation, 0, U32_MAX);
  if (record.expiresAtMs !== undefined) checkInteger('expiresAtMs', record.expiresAtMs, 0, Number.MAX_SAFE_INTEGER);
  if (record.value.byteLength > valueBytesMax) {
    throw new StoreError('VALUE_TOO_LARGE', {
      message: `the value has ${record.value.byteLength} bytes, this store takes ${valueBytesMax}`,
      details: { bytes: String(record.value.byteLength), bytesMax: String(valueBytesMax) },
    });
  }
}

/** Throws `ARGUMENT_INVALID` unless an image of 2^`partitionBits` partitions has this one. */
export function checkPartition(keyspace: number, partition: number, partitionBits: number): void {
  checkInteger('keyspace', keyspace, 0, U32_MAX);
  checkInteger('partition', partition, 0, 2 ** partitionBits - 1);
}

/** Throws `ARGUMENT_INVALID` unless absent or a number of bytes a second that makes sense. */
export function checkScrubRate(bytesPerSecond: number | undefined): void {
  if (bytesPerSecond !== undefined) checkInteger('bytesPerSecond', bytesPerSecond, 4096, Number.MAX_SAFE_INTEGER);
}

/** A page request with its defaults filled in; throws `ARGUMENT_INVALID` naming the field that is wrong. */
export function checkScan(request: ScanPageRequest, partitionBits: number): Required<Omit<ScanPageRequest, 'after'>> {
  const { keyspace, partition, after, maxRecords = 256, maxBytes = 1024 * 1024, values = true } = request;
  checkPartition(keyspace, partition, partitionBits);
  checkInteger('maxRecords', maxRecords, 1, SCAN_RECORDS_MAX);
  checkInteger('maxBytes', maxBytes, 1, SCAN_BYTES_MAX);
  if (after !== undefined) {
    checkBytes('after.key', after.key);
    const { byteLength } = after.key;
    if (byteLength === 0 || byteLength > KEY_BYTES_MAX)
      throw invalid('after.key', `has ${byteLength} bytes, not 1 to ${KEY_BYTES_MAX}`);
    if (typeof after.hash !== 'bigint' || BigInt.asUintN(64, after.hash) !== after.hash) {
      throw invalid('after.hash', 'is not an unsigned 64-bit bigint');
    }
    if (partitionBits > 0 && Number(after.hash >> BigInt(64 - partitionBits)) !== partition) {
      throw invalid('after.hash', `does not belong to partition ${partition}`);
    }
  }
  return { keyspace, partition, maxRecords, maxBytes, values };
}

/** Throws `ARGUMENT_INVALID` unless a snapshot may build on this sequence. */
export function checkSince(since: number | undefined): void {
  if (since !== undefined) checkInteger('since', since, 0, Number.MAX_SAFE_INTEGER);
}

function checkInteger(field: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(field, `is ${String(value)}, not an integer from ${min} to ${max}`);
  }
}

function checkBytes(field: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw invalid(field, 'is not a Uint8Array');
  const { buffer } = value;
  if (!(buffer instanceof ArrayBuffer)) throw invalid(field, 'lies in a SharedArrayBuffer: copy it first');
  if (buffer.resizable) throw invalid(field, 'lies in a resizable ArrayBuffer: copy it first');
}

function invalid(field: string, what: string): StoreError {
  return new StoreError('ARGUMENT_INVALID', { message: `${field} ${what}`, details: { field } });
}
