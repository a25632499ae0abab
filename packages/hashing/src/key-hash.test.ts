import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import published from '../test/vectors/xxh64.json' with { type: 'json' };
import { keyHash, seededHash } from './key-hash.ts';

const text = new TextEncoder();
const hex = (hash: bigint): string => hash.toString(16).padStart(16, '0');

describe('the hash of a key', () => {
  it.each(published.vectors)('is that of the published vector of $length bytes', ({ length, hash }) => {
    expect(hex(keyHash(sanityBytes(length)))).toBe(hash);
  });

  it.each(published.texts)('is that of the published text "$text"', (row) => {
    expect(hex(keyHash(text.encode(row.text)))).toBe(row.hash);
  });

  it('is XXH64 as its specification says, for keys of every length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), (key) => {
        expect(keyHash(key)).toBe(naiveXxh64(key, 0n));
      }),
    );
  });

  it('is right for keys longer than the memory of the hash module, and after them', () => {
    const long = sanityBytes(300_000);
    expect(keyHash(long)).toBe(naiveXxh64(long, 0n));
    expect(hex(keyHash(sanityBytes(14)))).toBe('8282dcc4994e35c8');
  });

  it('reads a view where it begins and ends, not the buffer around it', () => {
    const around = sanityBytes(222);
    expect(keyHash(around.subarray(3, 100))).toBe(keyHash(around.slice(3, 100)));
  });
});

describe('a seeded hash', () => {
  it('is XXH64 of the UTF-8 bytes under that seed', () => {
    // Same source as the vectors: length 0, seed 2654435761.
    expect(hex(seededHash('', 2654435761n))).toBe('ac75fda2929b17ef');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (id, seed) => {
          expect(seededHash(id, seed)).toBe(naiveXxh64(text.encode(id), seed));
        },
      ),
    );
  });
});

function sanityBytes(length: number): Uint8Array {
  let generator = 2654435761n;
  return Uint8Array.from({ length }, () => {
    const byte = Number(generator >> 56n);
    generator = BigInt.asUintN(64, generator * 11400714785074694797n);
    return byte;
  });
}

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;
const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
const rotate = (n: bigint, bits: bigint): bigint => u64(n << bits) | (n >> (64n - bits));
const round = (lane: bigint, input: bigint): bigint => u64(rotate(u64(lane + input * P2), 31n) * P1);

/** XXH64 straight from its specification (doc/xxhash_spec.md), slow and without state. */
function naiveXxh64(input: Uint8Array, seed: bigint): bigint {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  let at = 0;
  let hash = u64(seed + P5);
  if (input.length >= 32) {
    const lanes = [u64(seed + P1 + P2), u64(seed + P2), seed, u64(seed - P1)];
    for (; at + 32 <= input.length; at += 32) {
      lanes.forEach((lane, index) => {
        lanes[index] = round(lane, view.getBigUint64(at + 8 * index, true));
      });
    }
    const turns = [1n, 7n, 12n, 18n];
    hash = u64(lanes.reduce((sum, lane, index) => sum + rotate(lane, turns[index]!), 0n));
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * P1 + P4);
  }
  hash = u64(hash + BigInt(input.length));
  for (; at + 8 <= input.length; at += 8) {
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4);
  }
  for (; at + 4 <= input.length; at += 4) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
  }
  for (; at < input.length; at++) hash = u64(rotate(hash ^ u64(BigInt(view.getUint8(at)) * P5), 11n) * P1);
  hash = u64((hash ^ (hash >> 33n)) * P2);
  hash = u64((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}
