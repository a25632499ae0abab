import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchTopology } from './topology-watch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('looks more and more rarely while nothing changes, and soon again after a change', async () => {
  const looks: number[] = [];
  const stop = new AbortController();
  let found: 'new' | 'same' = 'same';
  const look = async (): Promise<'new' | 'same'> => {
    looks.push(Date.now());
    return found;
  };
  const start = Date.now();
  watchTopology(look, stop.signal, () => 0.5);
  await vi.advanceTimersByTimeAsync(60_000);
  const pauses = looks.map((at, index) => at - (looks[index - 1] ?? start));
  expect(pauses.slice(0, 4)).toEqual([1_000, 1_500, 2_250, 3_375]);
  expect(pauses.at(-1)).toBe(10_000);

  found = 'new';
  await vi.advanceTimersByTimeAsync(20_000);
  expect(looks.at(-1)! - looks.at(-2)!).toBe(1_000);

  stop.abort();
  const { length } = looks;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toHaveLength(length);
  expect(vi.getTimerCount()).toBe(0);
});
