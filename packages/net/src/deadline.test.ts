import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DEADLINE_MS_MAX, DeadlineTimer, deadlineAt, deadlineField, monotonicMs } from './deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('sweeps at the earliest deadline and then at the next one left', () => {
  const sweeps: number[] = [];
  const start = monotonicMs();
  const left = [300, 200];
  const timer = new DeadlineTimer((now) => {
    sweeps.push(Math.round(now - start));
    const next = left.pop();
    return next === undefined ? Number.POSITIVE_INFINITY : start + next;
  });
  timer.arm(start + 150);
  timer.arm(start + 100);
  timer.arm(start + 120);
  vi.advanceTimersByTime(1000);
  expect(sweeps).toEqual([100, 200, 300]);
});

it('writes a deadline as whole milliseconds that never round to "none"', () => {
  expect(deadlineField(deadlineAt(undefined))).toBe(0);
  expect(deadlineField(deadlineAt(0))).toBe(1);
  expect(deadlineField(deadlineAt(-5))).toBe(1);
  expect(deadlineField(deadlineAt(1e12))).toBe(DEADLINE_MS_MAX);
});
