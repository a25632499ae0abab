import { StoreError } from '@ferrite/errors';
import {
  compareDots,
  type Dot,
  decodeRecord,
  emptyRecord,
  encodeRecord,
  mergeRecords,
  type RecordState,
  recordsEqual,
  type ValueCodec,
} from '@ferrite/vector-clock';
import {
  decodeTokened,
  encodeTokened,
  mergeTokened,
  type Remembering,
  TOKENED_WRITES_MAX,
  type TokenedWrite,
  tokenedBytes,
  tokenedEqual,
} from './tokened-writes.ts';

/** One value as a client wrote it. Times are Unix milliseconds; `expiresAtMs` is 0 for never. */
export interface StoredValue {
  readonly bytes: Uint8Array;
  readonly writtenAtMs: number;
  readonly expiresAtMs: number;
}

/** What a replica knows of a key. */
export interface Versions extends RecordState<StoredValue> {
  /** The last writes that may be sent again (P12), ascending by time; absent: none. */
  readonly tokened?: readonly TokenedWrite[];
}

const NONE: readonly TokenedWrite[] = [];

/**
 * The least that knows what both know (P1, P12). Gives `a` or `b` itself where that is the result, so
 * `mergeVersions(stored, incoming) === stored` says there is nothing to store.
 */
export function mergeVersions(a: Versions, b: Versions): Versions {
  const merged: Versions = mergeRecords(a, b);
  if (a.tokened === undefined && b.tokened === undefined) return merged;
  const { writes, twins } = mergeTokened(rememberedBy(a), rememberedBy(b));
  const alive = twins.length > 0 && merged.siblings.some(({ dot }) => isOneOf(twins, dot));
  if (!alive && tokenedEqual(merged.tokened ?? NONE, writes)) return merged;
  const siblings = alive ? merged.siblings.filter(({ dot }) => !isOneOf(twins, dot)) : merged.siblings;
  return { context: merged.context, siblings, tokened: writes };
}

/** True if both know the same and remember the same writes. */
export function versionsEqual(a: Versions, b: Versions): boolean {
  return recordsEqual(a, b) && tokenedEqual(a.tokened ?? NONE, b.tokened ?? NONE);
}

/** The dot of the write with that token, if it is remembered. */
export function tokenedWrite({ tokened = NONE }: Versions, token: bigint): Dot | undefined {
  return tokened.find((write) => write.token === token)?.dots[0];
}

function rememberedBy({ context, siblings, tokened = NONE }: Versions): Remembering {
  return { writes: tokened, context, isAlive: (at) => siblings.some(({ dot }) => compareDots(dot, at) === 0) };
}

function isOneOf(dots: readonly Dot[], at: Dot): boolean {
  return dots.some((dot) => compareDots(dot, at) === 0);
}

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

/** First byte of a record with tokened writes, plus their number; any other record begins with the version of its codec. */
const TOKENED = 0x80;

/**
 * The canonical bytes of a record, as stored and as sent between nodes: those of `encodeRecord`, and before them, where there
 * are tokened writes, {@link TOKENED} plus their number and the writes themselves.
 */
export function encodeVersions(versions: Versions): Uint8Array {
  const record = encodeRecord(versions, valueCodec);
  const { tokened = NONE } = versions;
  if (tokened.length === 0) return record;
  const bytes = new Uint8Array(1 + tokenedBytes(tokened) + record.byteLength);
  bytes[0] = TOKENED + tokened.length;
  bytes.set(record, encodeTokened(bytes, 1, tokened));
  return bytes;
}

/** The record in `bytes`, which it borrows; `undefined` or no bytes at all is a record nobody wrote. */
export function decodeVersions(bytes: Uint8Array | undefined): Versions {
  if (bytes === undefined || bytes.byteLength === 0) return emptyRecord;
  const count = bytes[0]! - TOKENED;
  if (count <= 0 || count > TOKENED_WRITES_MAX) return decodeRecord(bytes, valueCodec);
  const { writes, end } = decodeTokened(bytes, 1, count);
  return { ...decodeRecord(bytes.subarray(end), valueCodec), tokened: writes };
}
