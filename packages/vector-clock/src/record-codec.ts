import { invariant } from '@ferrite/errors';
import { malformed, Reader, varintBytes, writeVarint } from './byte-codec.ts';
import { contains } from './causal-context.ts';
import { contextBodyBytes, readContextBody, writeContextBody } from './context-codec.ts';
import { compareDots, type Dot } from './dot.ts';
import type { RecordState, Sibling } from './record-state.ts';

const VERSION = 1;

/** Bytes of the shortest sibling: its actor's place, its counter, the length of its value. */
const SIBLING_BYTES_MIN = 3;

/** How the values of a record become bytes. */
export interface ValueCodec<V> {
  /** Bytes that `encodeInto` will write. */
  byteLength(value: V): number;
  /** Writes exactly `byteLength(value)` bytes from `at`. */
  encodeInto(value: V, target: Uint8Array, at: number): void;
  /** The value in `source` (borrowed) from `start` up to `end`; throws a `StoreError` for bytes it cannot have written. */
  decode(source: Uint8Array, start: number, end: number): V;
}

/** Values that are bytes already. Decoding gives views: they live as long as the encoded record does. */
export const bytesValueCodec: ValueCodec<Uint8Array> = {
  byteLength: (value) => value.length,
  encodeInto: (value, target, at) => target.set(value, at),
  decode: (source, start, end) => source.subarray(start, end),
};

/**
 * The canonical bytes of a record (integers are unsigned LEB128; `body` as in {@link encodeContext}):
 *
 * ```text
 * record  = version (1)  body  number of siblings  { sibling }
 * sibling = place of its actor in the context  counter  length of the value  value
 * ```
 */
export function encodeRecord<V>(state: RecordState<V>, codec: ValueCodec<V>): Uint8Array {
  const { context, siblings } = state;
  let size = 1 + contextBodyBytes(context) + varintBytes(siblings.length);
  for (const { dot, value } of siblings) {
    const length = codec.byteLength(value);
    size += varintBytes(actorPlace(state, dot)) + varintBytes(dot.counter) + varintBytes(length) + length;
  }
  const bytes = new Uint8Array(size);
  bytes[0] = VERSION;
  let at = writeContextBody(bytes, 1, context);
  at = writeVarint(bytes, at, siblings.length);
  for (const { dot, value } of siblings) {
    const length = codec.byteLength(value);
    at = writeVarint(bytes, at, actorPlace(state, dot));
    at = writeVarint(bytes, at, dot.counter);
    at = writeVarint(bytes, at, length);
    codec.encodeInto(value, bytes, at);
    at += length;
  }
  return bytes;
}

/**
 * The record that `bytes` (borrowed) encode. `ARGUMENT_INVALID` for anything that {@link encodeRecord} never makes,
 * which includes a sibling that the context does not cover.
 */
export function decodeRecord<V>(bytes: Uint8Array, codec: ValueCodec<V>): RecordState<V> {
  const reader = new Reader(bytes);
  reader.version(VERSION);
  const context = readContextBody(reader);
  const count = reader.count(SIBLING_BYTES_MIN);
  const siblings: Sibling<V>[] = [];
  for (let index = 0; index < count; index++) {
    const actor = context.entries[reader.varint()]?.actor;
    if (actor === undefined) throw malformed('a sibling names no actor of the context');
    const dot: Dot = { actor, counter: reader.varint() };
    if (dot.counter === 0 || !contains(context, dot)) throw malformed('a sibling is not covered by the context');
    const previous = siblings[index - 1];
    if (previous !== undefined && compareDots(previous.dot, dot) >= 0) throw malformed('siblings are not in order');
    const start = reader.skip(reader.varint());
    siblings.push({ dot, value: codec.decode(bytes, start, reader.at) });
  }
  reader.end();
  return { context, siblings };
}

function actorPlace(state: RecordState<unknown>, dot: Dot): number {
  const { entries } = state.context;
  let place = 0;
  while (place < entries.length && entries[place]!.actor !== dot.actor) place++;
  invariant(place < entries.length, 'P1', 'a sibling is covered by its context');
  return place;
}
