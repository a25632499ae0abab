import { WireReader } from './wire-reader.ts';
import { FIELD_BYTES_MAX, textBytesMax, varintBytes, WireWriter } from './wire-writer.ts';

/**
 * `GetRequest`, `PutRequest` and their answers of `ferrite.kv.v1` by hand: the same bytes as protobuf-es, at a fraction of
 * the time. Decoders give `undefined` for a message that is not plain (unknown or rare fields, anything malformed); the caller
 * then leaves it to protobuf-es. Encoders give bytes that are borrowed ({@link WireWriter}); decoded bytes are views.
 */

export interface GetFields {
  readonly keyspace: string;
  readonly key: Uint8Array;
  /** The number of the enum, as everywhere here. */
  readonly consistency: number;
  readonly atLeast: Uint8Array;
}

export interface PutFields {
  readonly keyspace: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly context: Uint8Array;
  readonly consistency: number;
  readonly durability: number;
  readonly idempotencyToken: Uint8Array;
}

export interface SiblingFields {
  readonly value: Uint8Array;
  /** Unix milliseconds, whole ones from 0; -1 for none. */
  readonly writtenAtMs: number;
  readonly expiresAtMs: number;
}

export interface GotFields {
  readonly siblings: readonly SiblingFields[];
  readonly context: Uint8Array;
  readonly moreSiblings: boolean;
}

export interface WroteFields {
  readonly context: Uint8Array;
  readonly ackedReplicas: number;
  readonly durableReplicas: number;
  readonly hintedReplicas: number;
}

const NONE: Uint8Array = new Uint8Array();
const UINT32_MAX = 0xffff_ffff;
/** Larger enum numbers are no member of any enum here, or negative. */
const ENUM_MAX = 0x7f;
/** The last second of the year 9999, the last of a Timestamp. */
const SECONDS_MAX = 253_402_300_799;
const NANOS_MAX = 999_999_999;
const NANOS_PER_MS = 1_000_000;

const writer = new WireWriter();
const reader = new WireReader();

export function encodeGet({ keyspace, key, consistency, atLeast }: GetFields): Uint8Array {
  writer.begin(textBytesMax(keyspace) + key.length + atLeast.length + 3 * FIELD_BYTES_MAX);
  writer.text(0x0a, keyspace);
  writer.blob(0x12, key);
  writer.uint(0x18, consistency);
  writer.blob(0x2a, atLeast);
  return writer.end();
}

/** `undefined` as well for a request with a `max_staleness`. */
export function decodeGet(bytes: Buffer): GetFields | undefined {
  reader.begin(bytes);
  let keyspace = '';
  let key = NONE;
  let consistency = 0;
  let atLeast = NONE;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) keyspace = reader.text();
    else if (tag === 0x12) key = reader.blob();
    else if (tag === 0x18) consistency = reader.uint(ENUM_MAX);
    else if (tag === 0x2a) atLeast = reader.blob();
    else return undefined;
  }
  return reader.odd ? undefined : { keyspace, key, consistency, atLeast };
}

export function encodePut(put: PutFields): Uint8Array {
  const { keyspace, key, value, context, idempotencyToken } = put;
  const payload = key.length + value.length + context.length + idempotencyToken.length;
  writer.begin(textBytesMax(keyspace) + payload + 6 * FIELD_BYTES_MAX);
  writer.text(0x0a, keyspace);
  writer.blob(0x12, key);
  writer.blob(0x1a, value);
  writer.blob(0x22, context);
  writer.uint(0x28, put.consistency);
  writer.uint(0x30, put.durability);
  writer.blob(0x42, idempotencyToken);
  return writer.end();
}

/** `undefined` as well for a request with a `ttl`. */
export function decodePut(bytes: Buffer): PutFields | undefined {
  reader.begin(bytes);
  let keyspace = '';
  let key = NONE;
  let value = NONE;
  let context = NONE;
  let consistency = 0;
  let durability = 0;
  let idempotencyToken = NONE;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) keyspace = reader.text();
    else if (tag === 0x12) key = reader.blob();
    else if (tag === 0x1a) value = reader.blob();
    else if (tag === 0x22) context = reader.blob();
    else if (tag === 0x28) consistency = reader.uint(ENUM_MAX);
    else if (tag === 0x30) durability = reader.uint(ENUM_MAX);
    else if (tag === 0x42) idempotencyToken = reader.blob();
    else return undefined;
  }
  if (reader.odd) return undefined;
  return { keyspace, key, value, context, consistency, durability, idempotencyToken };
}

export function encodeGot({ siblings, context, moreSiblings }: GotFields): Uint8Array {
  let size = context.length + 2 * FIELD_BYTES_MAX;
  for (const sibling of siblings) size += FIELD_BYTES_MAX + siblingBytes(sibling);
  writer.begin(size);
  for (const sibling of siblings) {
    writer.bytes[writer.at++] = 0x0a;
    writer.varint(siblingBytes(sibling));
    writer.blob(0x0a, sibling.value);
    writeTime(0x12, sibling.writtenAtMs);
    writeTime(0x1a, sibling.expiresAtMs);
  }
  writer.blob(0x12, context);
  writer.bool(0x18, moreSiblings);
  return writer.end();
}

export function decodeGot(bytes: Buffer): GotFields | undefined {
  reader.begin(bytes);
  const siblings: SiblingFields[] = [];
  let context = NONE;
  let moreSiblings = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) siblings.push(readSibling());
    else if (tag === 0x12) context = reader.blob();
    else if (tag === 0x18) moreSiblings = reader.bool();
    else return undefined;
  }
  return reader.odd ? undefined : { siblings, context, moreSiblings };
}

export function encodeWrote(wrote: WroteFields): Uint8Array {
  writer.begin(wrote.context.length + 4 * FIELD_BYTES_MAX);
  writer.blob(0x0a, wrote.context);
  writer.uint(0x10, wrote.ackedReplicas);
  writer.uint(0x18, wrote.durableReplicas);
  writer.uint(0x20, wrote.hintedReplicas);
  return writer.end();
}

export function decodeWrote(bytes: Buffer): WroteFields | undefined {
  reader.begin(bytes);
  let context = NONE;
  let ackedReplicas = 0;
  let durableReplicas = 0;
  let hintedReplicas = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) context = reader.blob();
    else if (tag === 0x10) ackedReplicas = reader.uint(UINT32_MAX);
    else if (tag === 0x18) durableReplicas = reader.uint(UINT32_MAX);
    else if (tag === 0x20) hintedReplicas = reader.uint(UINT32_MAX);
    else return undefined;
  }
  return reader.odd ? undefined : { context, ackedReplicas, durableReplicas, hintedReplicas };
}

function readSibling(): SiblingFields {
  const outer = reader.enter();
  let value = NONE;
  let writtenAtMs = -1;
  let expiresAtMs = -1;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) value = reader.blob();
    else if (tag === 0x12 && writtenAtMs < 0) writtenAtMs = readTime();
    else if (tag === 0x1a && expiresAtMs < 0) expiresAtMs = readTime();
    else reader.odd = true;
  }
  reader.leave(outer);
  return { value, writtenAtMs, expiresAtMs };
}

/** A `google.protobuf.Timestamp`, rounded to milliseconds as `timestampMs` gives them. */
function readTime(): number {
  const outer = reader.enter();
  let seconds = 0;
  let nanos = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) seconds = reader.uint(SECONDS_MAX);
    else if (tag === 0x10) nanos = reader.uint(NANOS_MAX);
    else reader.odd = true;
  }
  reader.leave(outer);
  return seconds * 1000 + Math.round(nanos / NANOS_PER_MS);
}

function writeTime(tag: number, ms: number): void {
  if (ms < 0) return;
  writer.bytes[writer.at++] = tag;
  writer.varint(timeBytes(ms));
  writer.uint(0x08, Math.floor(ms / 1000));
  writer.uint(0x10, (ms % 1000) * NANOS_PER_MS);
}

function timeBytes(ms: number): number {
  const seconds = Math.floor(ms / 1000);
  const nanos = (ms % 1000) * NANOS_PER_MS;
  return (seconds === 0 ? 0 : 1 + varintBytes(seconds)) + (nanos === 0 ? 0 : 1 + varintBytes(nanos));
}

function siblingBytes({ value, writtenAtMs, expiresAtMs }: SiblingFields): number {
  const { length } = value;
  let size = length === 0 ? 0 : 1 + varintBytes(length) + length;
  if (writtenAtMs >= 0) size += 2 + timeBytes(writtenAtMs);
  if (expiresAtMs >= 0) size += 2 + timeBytes(expiresAtMs);
  return size;
}
