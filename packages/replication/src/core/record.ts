import { StoreError } from '@ferrite/errors';
import { decodeRecord, emptyRecord, encodeRecord, type RecordState, type ValueCodec } from '@ferrite/vector-clock';

/** One value as a client wrote it. Times are Unix milliseconds; `expiresAtMs` is 0 for never. */
export interface StoredValue {
  readonly bytes: Uint8Array;
  readonly writtenAtMs: number;
  readonly expiresAtMs: number;
}

/** What a replica knows of a key. */
export type Versions = RecordState<StoredValue>;

const HEADER_BYTES = 16;

const valueCodec: ValueCodec<StoredValue> = {
  byteLength: (value) => HEADER_BYTES + value.bytes.byteLength,
  encodeInto: (value, target, at) => {
    const view = new DataView(target.buffer, target.byteOffset + at, HEADER_BYTES);
    view.setFloat64(0, value.writtenAtMs, true);
    view.setFloat64(8, value.expiresAtMs, true);
    target.set(value.bytes, at + HEADER_BYTES);
  },
  decode: (source, start, end) => {
    if (end - start < HEADER_BYTES)
      throw new StoreError('ARGUMENT_INVALID', { message: 'a stored value has no header' });
    const view = new DataView(source.buffer, source.byteOffset + start, HEADER_BYTES);
    return {
      writtenAtMs: view.getFloat64(0, true),
      expiresAtMs: view.getFloat64(8, true),
      bytes: source.subarray(start + HEADER_BYTES, end),
    };
  },
};

/** The canonical bytes of a record, as stored and as sent between nodes. */
export function encodeVersions(versions: Versions): Uint8Array {
  return encodeRecord(versions, valueCodec);
}

/** The record in `bytes`, which it borrows; `undefined` or no bytes at all is a record nobody wrote. */
export function decodeVersions(bytes: Uint8Array | undefined): Versions {
  if (bytes === undefined || bytes.byteLength === 0) return emptyRecord;
  return decodeRecord(bytes, valueCodec);
}
