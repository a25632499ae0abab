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

/** Where the header of one value at a time is put together and taken apart: a view of each record costs more. */
const headerBytes = new Uint8Array(HEADER_BYTES);
const header = new DataView(headerBytes.buffer);

const valueCodec: ValueCodec<StoredValue> = {
  byteLength: (value) => HEADER_BYTES + value.bytes.byteLength,
  encodeInto: (value, target, at) => {
    header.setFloat64(0, value.writtenAtMs, true);
    header.setFloat64(8, value.expiresAtMs, true);
    target.set(headerBytes, at);
    target.set(value.bytes, at + HEADER_BYTES);
  },
  decode: (source, start, end) => {
    if (end - start < HEADER_BYTES)
      throw new StoreError('ARGUMENT_INVALID', { message: 'a stored value has no header' });
    for (let at = 0; at < HEADER_BYTES; at++) headerBytes[at] = source[start + at]!;
    return {
      writtenAtMs: header.getFloat64(0, true),
      expiresAtMs: header.getFloat64(8, true),
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
