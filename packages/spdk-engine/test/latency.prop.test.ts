import { StoreError } from '@ferrite/errors';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LatencySummary, latencyFrom } from '../src/latency.ts';
import { latencyBlock } from './latency-block.ts';

/** Any magnitude is as likely as any other. */
const duration = fc
  .tuple(fc.integer({ min: 0, max: 38 }), fc.double({ min: 0.5, max: 1, noNaN: true }))
  .map(([bits, part]) => Math.floor(2 ** bits * part));
const durations = fc.array(duration, { maxLength: 300 });

function agrees(summary: LatencySummary, values: readonly number[], ever = values): void {
  const sorted = values.toSorted((a, b) => a - b);
  const exact = (fraction: number): number => sorted[Math.max(1, Math.ceil(fraction * sorted.length)) - 1] ?? 0;
  const pairs: [number, number][] = [
    [summary.p50Micros, exact(0.5)],
    [summary.p90Micros, exact(0.9)],
    [summary.p99Micros, exact(0.99)],
    [summary.p999Micros, exact(0.999)],
    [summary.maxMicros, exact(1)],
  ];
  for (const [found, ns] of pairs) {
    // Beyond 2^37 ns all share a bucket, of which only the longest is known.
    const most = ns < 2 ** 37 ? ns + Math.floor(ns / 32) : Math.max(...ever);
    expect(Math.round(found * 1000)).toBeLessThanOrEqual(most);
    expect(Math.round(found * 1000)).toBeGreaterThanOrEqual(ns);
  }
  expect(summary.count).toBe(values.length);
  const mean = values.length === 0 ? 0 : values.reduce((sum, ns) => sum + ns, 0) / values.length / 1000;
  expect(summary.meanMicros).toBeCloseTo(mean, 6);
}

describe('a latency snapshot', () => {
  it('law: no quantile is below the exact one or above it by more than 1/32; count, mean and longest are exact', () => {
    fc.assert(
      fc.property(durations, durations, (gets, reads) => {
        const snapshot = latencyFrom(latencyBlock({ get: gets, device_read: reads }));
        agrees(snapshot.get, gets);
        agrees(snapshot.deviceRead, reads);
        expect(snapshot.get.maxMicros).toBe(Math.max(0, ...gets) / 1000);
        expect(snapshot.append.count).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('law: what a snapshot has since an earlier one is what happened in between', () => {
    fc.assert(
      fc.property(durations, durations, (first, then) => {
        const earlier = latencyFrom(latencyBlock({ append: first }));
        const now = latencyFrom(latencyBlock({ append: [...first, ...then] }));
        agrees(now.since(earlier).append, then, [...first, ...then]);
        expect(now.since(now).append).toEqual(latencyFrom(latencyBlock({})).append);
      }),
      { numRuns: 60 },
    );
  });

  it('is not earlier than itself plus one event', () => {
    const earlier = latencyFrom(latencyBlock({ append: [1000, 2000] }));
    const now = latencyFrom(latencyBlock({ append: [1000, 2000, 1000] }));
    expect(() => earlier.since(now)).toThrow(/ARGUMENT_INVALID: not an earlier snapshot/);
  });
});

describe('latency memory', () => {
  const sound = latencyBlock({ get: [1000, 2000] });
  const readable = (bytes: Uint8Array): boolean => {
    try {
      latencyFrom(bytes);
      return true;
    } catch (error) {
      expect(StoreError.is(error) && error.reason).toBe('PROTOCOL_MISMATCH');
      return false;
    }
  };

  it('law: arbitrary bytes are refused by name', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), (bytes) => {
        expect(readable(bytes)).toBe(false);
      }),
    );
  });

  it('law: any change of its header is refused by name or read within its bounds', () => {
    const headerBytes = 64 + 9 * 32;
    const change = fc.tuple(fc.nat(headerBytes - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = sound.slice();
        for (const [at, flip] of changes) bytes[at] = (bytes[at] ?? 0) ^ flip;
        readable(bytes);
      }),
      { numRuns: 2000 },
    );
    for (let at = 0; at < 24; at += 1) {
      const bytes = sound.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x80;
      expect(readable(bytes), `byte ${at}`).toBe(false);
    }
  });

  it('cut off anywhere is refused, and read at any alignment', () => {
    for (const length of [0, 7, 63, 64, 383, 384, sound.length - 1]) {
      expect(readable(sound.subarray(0, length)), `${length} bytes`).toBe(false);
    }
    const shifted = new Uint8Array(sound.length + 3);
    shifted.set(sound, 3);
    expect(latencyFrom(shifted.subarray(3)).get).toEqual(latencyFrom(sound).get);
  });

  it('with a name missing, or of another layout version, says so', () => {
    const renamed = sound.slice();
    renamed.set(Buffer.from('gut'), 64 + 2 * 32);
    expect(() => latencyFrom(renamed)).toThrow(/PROTOCOL_MISMATCH: .*no histogram get/);
    const newer = sound.slice();
    newer[8] = 2;
    expect(() => latencyFrom(newer)).toThrow(/PROTOCOL_MISMATCH: .*layout version 2, not 1/);
  });
});
