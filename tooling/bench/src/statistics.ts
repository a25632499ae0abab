/** The value below which this share of the samples lies, between neighbours by proportion. NaN without samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return below + (above - below) * (at - Math.floor(at));
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** First and third quartile. */
export const quartiles = (samples: readonly number[]): readonly [number, number] => [
  quantile(samples, 0.25),
  quantile(samples, 0.75),
];

/** True if the middle half of the samples spreads over more than 30 % of their median. */
export function isNoisy(samples: readonly number[]): boolean {
  const [first, third] = quartiles(samples);
  return third - first > 0.3 * Math.abs(median(samples));
}
