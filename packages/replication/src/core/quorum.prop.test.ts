import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { majority, mergesNeeded, needed } from './quorum.ts';

const factors = fc.integer({ min: 1, max: 9 });

/** All sets of `size` out of `n` replicas, as bit masks. */
function sets(n: number, size: number): number[] {
  return Array.from({ length: 2 ** n }, (_, mask) => mask).filter(
    (mask) => mask.toString(2).replaceAll('0', '').length === size,
  );
}

describe('quorum arithmetic', () => {
  it('law: every read quorum meets every write quorum', () => {
    fc.assert(
      fc.property(factors, (n) => {
        for (const read of sets(n, needed('QUORUM', n))) {
          for (const write of sets(n, majority(n))) expect(read & write).not.toBe(0);
        }
      }),
      { numRuns: 9 },
    );
  });

  it('law: a wiped replica that merges from mergesNeeded others meets every write it had acknowledged', () => {
    fc.assert(
      fc.property(factors, (n) => {
        const wiped = 1;
        for (const write of sets(n, majority(n)).filter((mask) => (mask & wiped) !== 0 && mask !== wiped)) {
          for (const sources of sets(n, mergesNeeded(n)).filter((mask) => (mask & wiped) === 0)) {
            expect(write & sources, `n=${n}`).not.toBe(0);
          }
        }
      }),
      { numRuns: 9 },
    );
  });

  it('needs one replica at ONE and every one at ALL', () => {
    expect([1, 2, 3, 5].map((n) => needed('ONE', n))).toEqual([1, 1, 1, 1]);
    expect([1, 2, 3, 5].map((n) => needed('ALL', n))).toEqual([1, 2, 3, 5]);
    expect([1, 2, 3, 4, 5].map(majority)).toEqual([1, 2, 2, 3, 3]);
    expect([1, 2, 3, 4, 5].map(mergesNeeded)).toEqual([0, 1, 2, 2, 3]);
  });
});
