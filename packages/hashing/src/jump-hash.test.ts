import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jumpHash } from './jump-hash.ts';

const key = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('jump hash', () => {
  // The vectors of https://github.com/dgryski/go-jump, jump_test.go.
  it.each([
    [1n, 1, 0],
    [42n, 57, 43],
    [0xdead10ccn, 1, 0],
    [0xdead10ccn, 666, 361],
    [256n, 1024, 520],
  ])('agrees with the published vector %d of %d', (at, buckets, bucket) => {
    expect(jumpHash(at, buckets)).toBe(bucket);
  });

  it('minimal movement: with one bucket more a key stays or goes to the new one', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 2000 }), (at, buckets) => {
        const before = jumpHash(at, buckets);
        expect([before, buckets]).toContain(jumpHash(at, buckets + 1));
        expect(before).toBeLessThan(buckets);
      }),
    );
  });

  it('balance: buckets hold their share, within 5 standard deviations', () => {
    const counts = new Uint32Array(10);
    for (let n = 0n; n < 20_000n; n++) counts[jumpHash(n * 0x9e3779b97f4a7c15n, 10)]!++;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(1800));
  });

  it('needs 1 to 2^31 buckets', () => {
    for (const buckets of [0, -1, 1.5, 2 ** 31 + 1]) {
      expect(() => jumpHash(1n, buckets)).toThrow(expect.objectContaining({ reason: 'ARGUMENT_INVALID' }));
    }
  });
});
