import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyContext, join } from './causal-context.ts';
import {
  contextAtTime,
  HYBRID_AHEAD_MS_MAX,
  HYBRID_TICKS_PER_MS,
  HybridClock,
  timeOf,
  withoutTime,
} from './hybrid-clock.ts';
import { contexts } from './testing/index.ts';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** Wall clocks that jump by up to an hour, and floors that a wrong clock gave. */
const looks = (spreadMs: number): fc.Arbitrary<{ wallMs: number; floor: number }[]> => {
  const around = fc.integer({ min: NOW_MS - spreadMs, max: NOW_MS + spreadMs });
  const floor = fc.oneof(
    fc.constant(0),
    around.map((ms) => ms * HYBRID_TICKS_PER_MS),
  );
  return fc.array(fc.record({ wallMs: around, floor }), { minLength: 1, maxLength: 30 });
};

describe('a hybrid clock', () => {
  it('causality: a time is above its floor and never below the wall clock', () => {
    fc.assert(
      fc.property(looks(HOUR_MS), (all) => {
        const clock = new HybridClock();
        for (const { wallMs, floor } of all) {
          const { ticks } = clock.next(wallMs, floor);
          expect(ticks).toBeGreaterThan(floor);
          expect(ticks).toBeGreaterThanOrEqual(wallMs * HYBRID_TICKS_PER_MS);
        }
      }),
    );
  });

  it('order: times ascend while clocks differ by less than the bound, whatever the wall clock does', () => {
    fc.assert(
      fc.property(looks(HYBRID_AHEAD_MS_MAX / 2 - 1), (all) => {
        const clock = new HybridClock();
        const times = all.map(({ wallMs, floor }) => clock.next(wallMs, floor));
        expect(times.every(({ ticks }, at) => at === 0 || ticks > times[at - 1]!.ticks)).toBe(true);
        expect(times.some(({ ahead }) => ahead)).toBe(false);
      }),
    );
  });

  it('bound: a floor too far ahead is told, and the time after it is what it would have been', () => {
    fc.assert(
      fc.property(fc.integer({ min: HYBRID_AHEAD_MS_MAX, max: HOUR_MS * 24 }), (aheadMs) => {
        const clock = new HybridClock();
        clock.next(NOW_MS, 0);
        const far = clock.next(NOW_MS, (NOW_MS + aheadMs) * HYBRID_TICKS_PER_MS);
        expect(far.ahead).toBe(true);
        expect(clock.next(NOW_MS, 0).ticks).toBe(NOW_MS * HYBRID_TICKS_PER_MS + 2);
      }),
    );
  });

  it('recovery: a wall clock that was far ahead and is set right does not hold the clock there', () => {
    const clock = new HybridClock();
    clock.next(NOW_MS + HOUR_MS, 0);
    expect(clock.next(NOW_MS, 0).ticks).toBe(NOW_MS * HYBRID_TICKS_PER_MS);
  });

  it('thousands of times within one millisecond run on into the next', () => {
    const clock = new HybridClock();
    const last = Array.from({ length: 3 * HYBRID_TICKS_PER_MS }, () => clock.next(NOW_MS, 0).ticks).at(-1);
    expect(last).toBe((NOW_MS + 3) * HYBRID_TICKS_PER_MS - 1);
  });
});

describe('a context that carries time', () => {
  it('keeps the newer time under join, and all its dots', () => {
    const ticks = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(contexts(), contexts(), ticks, ticks, (a, b, left, right) => {
        const joined = join(join(a, contextAtTime(left)), join(b, contextAtTime(right)));
        expect(timeOf(joined)).toBe(Math.max(left, right));
        expect(withoutTime(joined)).toEqual(join(a, b));
      }),
    );
  });

  it('is without time what it was', () => {
    expect(timeOf(emptyContext)).toBe(0);
    expect(withoutTime(contextAtTime(7))).toEqual(emptyContext);
    expect(withoutTime(emptyContext)).toBe(emptyContext);
  });
});
