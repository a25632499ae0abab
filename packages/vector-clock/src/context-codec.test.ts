import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actorId } from './actor-id.ts';
import { contextOf, emptyContext } from './causal-context.ts';
import { decodeContext, encodeContext } from './context-codec.ts';
import { dot } from './dot.ts';
import { COUNTER_MAX } from './limits.ts';
import { anyDot, contexts } from './testing/index.ts';

const a = actorId('aa'.repeat(16));
const b = actorId('bb'.repeat(16));
const A = Array.from({ length: 16 }, () => 0xaa);
const B = Array.from({ length: 16 }, () => 0xbb);
const malformed = expect.objectContaining({ reason: 'ARGUMENT_INVALID', effect: 'none' });

/** 2^53 as unsigned LEB128: one more than a counter may be. */
const TOO_MUCH = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];

describe('the bytes of a context', () => {
  it('are pinned: version, actors, and per actor its counter and its gaps', () => {
    expect(encodeContext(emptyContext)).toEqual(Uint8Array.of(1, 0));
    const context = contextOf([dot(a, 1), dot(a, 2), dot(a, 4), dot(a, 7), dot(b, 300)]);
    expect(encodeContext(context)).toEqual(Uint8Array.of(1, 2, ...A, 2, 2, 0, 2, ...B, 0, 1, 0xaa, 0x02));
  });

  it('hold counters up to 2^53 - 1, contiguous or separate', () => {
    const separate = contextOf([dot(a, COUNTER_MAX)]);
    expect(decodeContext(encodeContext(separate))).toEqual(separate);
    const contiguous = { entries: [{ actor: a, contiguous: COUNTER_MAX, separate: [] }] };
    expect(decodeContext(encodeContext(contiguous))).toEqual(contiguous);
  });

  it.each([
    ['nothing at all', []],
    ['a version of the future', [2, 0]],
    ['an end before the number of actors', [1]],
    ['more actors than bytes', [1, 9, ...A, 1, 0]],
    ['an end inside an actor id', [1, 1, ...A.slice(1)]],
    ['an end before the counter', [1, 1, ...A]],
    ['an integer without end', [1, 1, ...A, 0x80]],
    ['an integer longer than need be', [1, 1, ...A, 0x81, 0x00, 0]],
    ['a contiguous counter above 2^53 - 1', [1, 1, ...A, ...TOO_MUCH, 0]],
    ['an integer of ten bytes', [1, 1, ...A, ...Array.from({ length: 9 }, () => 0xff), 1, 0]],
    ['a separate dot above 2^53 - 1', [1, 1, ...A, ...TOO_MUCH.with(7, 0x0f), 1, ...TOO_MUCH.with(7, 0x0f)]],
    ['more separate dots than bytes', [1, 1, ...A, 1, 5, 0]],
    ['an actor without dots', [1, 1, ...A, 0, 0]],
    ['actors out of order', [1, 2, ...B, 1, 0, ...A, 1, 0]],
    ['an actor twice', [1, 2, ...A, 1, 0, ...A, 1, 0]],
    ['bytes behind the end', [1, 0, 0]],
  ])('are refused with %s', (_, bytes) => {
    expect(() => decodeContext(Uint8Array.from(bytes))).toThrow(malformed);
  });

  it('round trip: decode(encode(context)) = context', () => {
    fc.assert(
      fc.property(contexts(anyDot()), (context) => {
        expect(decodeContext(encodeContext(context))).toEqual(context);
      }),
    );
  });

  it('canonical: whatever decodes is what its context encodes to, and anything else is a StoreError', () => {
    const nearly = fc
      .tuple(contexts(), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }), fc.nat(3))
      .map(([context, changes, cut]) => {
        const bytes = encodeContext(context);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes.subarray(0, bytes.length - cut);
      });
    fc.assert(
      fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        expect(reencoded(bytes)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

/** `bytes` again if they decode to what encodes so, or if they are refused as they should be. */
function reencoded(bytes: Uint8Array): Uint8Array {
  try {
    return encodeContext(decodeContext(bytes));
  } catch (error) {
    if ((error as { reason?: string }).reason === 'ARGUMENT_INVALID') return bytes;
    throw error;
  }
}
