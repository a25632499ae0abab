import { InvariantViolation } from '@ferrite/errors';
import { expect, it } from 'vitest';
import { DEFAULT_LIMITS, limitsFrom } from './limits.ts';

it('replaces only what it is told to', () => {
  expect(limitsFrom({ inFlightMax: 3 })).toEqual({ ...DEFAULT_LIMITS, inFlightMax: 3 });
});

it('refuses limits that bound nothing', () => {
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => limitsFrom({ connectionsMax: value })).toThrow(InvariantViolation);
  }
  expect(() => limitsFrom({ messageBytesMax: 1000, bufferedBytesMax: 999 })).toThrow(InvariantViolation);
});
