import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actorId } from './actor-id.ts';
import { contextOf } from './causal-context.ts';
import { dot } from './dot.ts';
import { SIBLINGS_MAX } from './limits.ts';
import { bytesValueCodec, decodeRecord, encodeRecord } from './record-codec.ts';
import { emptyRecord, mergeRecords, type RecordState, writeRecord } from './record-state.ts';
import { anyDot, recordStates } from './testing/index.ts';

const a = actorId('aa'.repeat(16));
const A = Array.from({ length: 16 }, () => 0xaa);
const malformed = expect.objectContaining({ reason: 'ARGUMENT_INVALID' });
const decode = (bytes: Uint8Array): RecordState<Uint8Array> => decodeRecord(bytes, bytesValueCodec);

describe('the bytes of a record', () => {
  it('are pinned: version, context, and per sibling its dot and its value', () => {
    const state = {
      context: contextOf([dot(a, 1), dot(a, 2)]),
      siblings: [{ dot: dot(a, 2), value: Uint8Array.of(7, 8, 9) }],
    };
    expect(encodeRecord(state, bytesValueCodec)).toEqual(Uint8Array.of(1, 1, ...A, 2, 0, 1, 0, 2, 3, 7, 8, 9));
    expect(encodeRecord(emptyRecord, bytesValueCodec)).toEqual(Uint8Array.of(1, 0, 0));
  });

  it('hold a tombstone, an empty value, and more siblings than a client may make', () => {
    const tombstone = { context: contextOf([dot(a, 3)]), siblings: [] };
    expect(decode(encodeRecord(tombstone, bytesValueCodec))).toEqual(tombstone);
    let crowd: RecordState<Uint8Array> = emptyRecord;
    for (let count = 0; count <= SIBLINGS_MAX; count++) {
      const blind = { actor: a, context: contextOf([]), value: new Uint8Array(0) };
      crowd = mergeRecords(crowd, writeRecord(crowd, blind).delta);
    }
    expect(crowd.siblings).toHaveLength(SIBLINGS_MAX + 1);
    expect(decode(encodeRecord(crowd, bytesValueCodec))).toEqual(crowd);
  });

  it('are read without copying the values', () => {
    const state = { context: contextOf([dot(a, 1)]), siblings: [{ dot: dot(a, 1), value: new Uint8Array(1024) }] };
    const bytes = encodeRecord(state, bytesValueCodec);
    expect(decode(bytes).siblings[0]?.value.buffer).toBe(bytes.buffer);
  });

  it.each([
    ['nothing at all', []],
    ['a version of the future', [9, 0, 0]],
    ['an end before the number of siblings', [1, 0]],
    ['more siblings than bytes', [1, 1, ...A, 1, 0, 5, 0, 1, 0]],
    ['a sibling of an actor out of range', [1, 1, ...A, 1, 0, 1, 1, 1, 0]],
    ['a sibling with counter 0', [1, 1, ...A, 1, 0, 1, 0, 0, 0]],
    ['a sibling that the context does not cover', [1, 1, ...A, 1, 0, 1, 0, 2, 0]],
    ['siblings out of order', [1, 1, ...A, 2, 0, 2, 0, 2, 0, 0, 1, 0]],
    ['a sibling twice', [1, 1, ...A, 2, 0, 2, 0, 1, 0, 0, 1, 0]],
    ['an end inside a value', [1, 1, ...A, 1, 0, 1, 0, 1, 4, 7, 7, 7]],
    ['bytes behind the end', [1, 1, ...A, 1, 0, 1, 0, 1, 1, 7, 7]],
  ])('are refused with %s', (_, bytes) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(malformed);
  });

  it('round trip: decode(encode(record)) = record', () => {
    const text = {
      byteLength: (value: string) => value.length,
      encodeInto: (value: string, target: Uint8Array, at: number) => {
        for (let index = 0; index < value.length; index++) target[at + index] = value.charCodeAt(index);
      },
      decode: (source: Uint8Array, start: number, end: number) => String.fromCharCode(...source.subarray(start, end)),
    };
    fc.assert(
      fc.property(recordStates(anyDot()), (state) => {
        expect(decodeRecord(encodeRecord(state, text), text)).toEqual(state);
      }),
    );
  });

  it('canonical: whatever decodes is what its record encodes to, and anything else is a StoreError', () => {
    const nearly = fc
      .tuple(recordStates(), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }), fc.nat(3))
      .map(([{ context, siblings }, changes, cut]) => {
        const state = { context, siblings: siblings.map(({ dot: at }) => ({ dot: at, value: Uint8Array.of(1, 2) })) };
        const bytes = encodeRecord(state, bytesValueCodec);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes.subarray(0, bytes.length - cut);
      });
    fc.assert(
      fc.property(nearly, (bytes) => {
        expect(reencoded(bytes)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

/** `bytes` again if they decode to what encodes so, or if they are refused as they should be. */
function reencoded(bytes: Uint8Array): Uint8Array {
  try {
    return encodeRecord(decode(bytes), bytesValueCodec);
  } catch (error) {
    if ((error as { reason?: string }).reason === 'ARGUMENT_INVALID') return bytes;
    throw error;
  }
}
