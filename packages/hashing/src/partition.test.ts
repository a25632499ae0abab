import { describe, expect, it } from 'vitest';
import { keyHash } from './key-hash.ts';
import { partitionOf } from './partition.ts';

const all = 2n ** 64n - 1n;

describe('the partition of a hash', () => {
  it('is its top bits', () => {
    expect(partitionOf(0xffc0_0000_0000_0000n)).toBe(1023);
    expect(partitionOf(0xffbf_ffff_ffff_ffffn)).toBe(1022);
    expect(partitionOf(0x8000_0000_0000_0000n, 1)).toBe(1);
    expect(partitionOf(all, 16)).toBe(65_535);
    expect(partitionOf(all, 0)).toBe(0);
    expect(partitionOf(0n)).toBe(0);
  });

  it('is pinned for a key, since the engine stores by it', () => {
    // XXH64 of "hello" is 26c7827d889f6da3.
    expect(partitionOf(keyHash(new TextEncoder().encode('hello')))).toBe(0x9b);
  });

  it('spreads keys evenly: every partition within 6 standard deviations of its share', () => {
    const counts = new Uint32Array(1024);
    const keys = 200_000;
    const key = new Uint8Array(8);
    const view = new DataView(key.buffer);
    for (let n = 0; n < keys; n++) {
      view.setUint32(0, n);
      counts[partitionOf(keyHash(key))]!++;
    }
    const share = keys / 1024;
    for (const count of counts) expect(Math.abs(count - share)).toBeLessThan(6 * Math.sqrt(share));
  });

  it('needs 0 to 16 bits', () => {
    for (const bits of [-1, 17, 1.5, Number.NaN]) {
      expect(() => partitionOf(1n, bits)).toThrow(expect.objectContaining({ reason: 'ARGUMENT_INVALID' }));
    }
  });
});
