import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';
import { isNoisy, median, quartiles } from './statistics.ts';

describe('medians and quartiles', () => {
  it('lie between neighbours by proportion, whatever the order', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(quartiles([5, 1, 4, 2, 3])).toEqual([2, 4]);
  });

  it('call a set noisy when its middle half is wider than 30 % of the median', () => {
    expect(isNoisy([90, 100, 110])).toBe(false);
    expect(isNoisy([60, 100, 140])).toBe(true);
  });
});

describe('the histogram', () => {
  it('gives quantiles within its 1 % steps', () => {
    const histogram = new Histogram();
    for (let us = 1; us <= 10_000; us++) histogram.record(us / 1000);
    expect(histogram.total).toBe(10_000);
    for (const [share, us] of [
      [0.5, 5000],
      [0.99, 9900],
    ] as const) {
      expect(Math.abs(histogram.quantileUs(share) / us - 1)).toBeLessThan(0.011);
    }
  });
});
