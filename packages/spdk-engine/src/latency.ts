import { StoreError } from '@ferrite/errors';
import { decodeLatency, type LatencyCounts, lowestOf } from './latency-layout.ts';

/** How long the events of one kind took. Quantiles are never too low, and too high by 1/32 at most; all 0 without events. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Micros: number;
  readonly p90Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
  readonly maxMicros: number;
  readonly meanMicros: number;
}

/**
 * Latencies of an engine up to one moment, by kind. Operations: from submission until the engine hands the completion
 * over. Requests to the device (`device…`): from hand-over until done. Failures count, refused submissions do not.
 */
export class LatencySnapshot {
  readonly append: LatencySummary;
  readonly remove: LatencySummary;
  readonly get: LatencySummary;
  readonly scan: LatencySummary;
  readonly flush: LatencySummary;
  readonly deviceRead: LatencySummary;
  /** Writes that a flush makes durable later. */
  readonly deviceWrite: LatencySummary;
  readonly deviceFlush: LatencySummary;
  /** Writes that are durable when they are done. */
  readonly deviceWriteDurable: LatencySummary;
  readonly #histograms: ReadonlyMap<string, LatencyCounts>;

  /** @internal Made by `Engine.latency`, `latencyOfProcess` and `since`. */
  constructor(histograms: ReadonlyMap<string, LatencyCounts>) {
    this.#histograms = histograms;
    this.append = this.#summary('append');
    this.remove = this.#summary('remove');
    this.get = this.#summary('get');
    this.scan = this.#summary('scan');
    this.flush = this.#summary('flush');
    this.deviceRead = this.#summary('device_read');
    this.deviceWrite = this.#summary('device_write');
    this.deviceFlush = this.#summary('device_flush');
    this.deviceWriteDurable = this.#summary('device_write_durable');
  }

  /**
   * What happened between an earlier snapshot of the same engine and this one. The longest of a window is exact if none
   * before was longer, else too high by 1/32 at most. Throws `ARGUMENT_INVALID` if `earlier` is not an earlier one.
   */
  since(earlier: LatencySnapshot): LatencySnapshot {
    const between = new Map<string, LatencyCounts>();
    for (const [name, now] of this.#histograms) between.set(name, difference(now, earlier.#histograms.get(name)));
    return new LatencySnapshot(between);
  }

  #summary(name: string): LatencySummary {
    const histogram = this.#histograms.get(name);
    if (histogram !== undefined) return summaryOf(histogram);
    throw new StoreError('PROTOCOL_MISMATCH', { message: `the latency memory has no histogram ${name}` });
  }
}

/** Reads a block of latency memory. Throws `PROTOCOL_MISMATCH` if it is none. */
export function latencyFrom(memory: Uint8Array): LatencySnapshot {
  return new LatencySnapshot(decodeLatency(memory));
}

/** Sums a histogram up in microseconds. */
export function summaryOf({ sumNs, maxNs, counts, subBits }: LatencyCounts): LatencySummary {
  const count = counts.reduce((total, each) => total + each, 0);
  // The writer may have counted an event whose time is not in `maxNs` yet.
  const ceiling = Math.max(maxNs, lowestOf(last(counts), subBits));
  const micros = (fraction: number): number => {
    if (count === 0) return 0;
    const rank = Math.max(1, Math.ceil(fraction * count));
    let bucket = 0;
    for (let seen = counts[0] ?? 0; seen < rank && bucket + 1 < counts.length; seen += counts[bucket] ?? 0) bucket += 1;
    return (bucket + 1 === counts.length ? ceiling : Math.min(lowestOf(bucket + 1, subBits) - 1, ceiling)) / 1000;
  };
  return {
    count,
    p50Micros: micros(0.5),
    p90Micros: micros(0.9),
    p99Micros: micros(0.99),
    p999Micros: micros(0.999),
    maxMicros: count === 0 ? 0 : ceiling / 1000,
    meanMicros: count === 0 ? 0 : sumNs / count / 1000,
  };
}

function difference(now: LatencyCounts, before: LatencyCounts | undefined): LatencyCounts {
  const counts = now.counts.map((count, bucket) => count - (before?.counts[bucket] ?? 0));
  const sumNs = now.sumNs - (before?.sumNs ?? 0);
  const comparable = before?.counts.length === counts.length && before.subBits === now.subBits;
  if (!comparable || sumNs < 0 || counts.some((count) => count < 0)) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'not an earlier snapshot of the same engine' });
  }
  const highest = last(counts);
  const isExact = now.maxNs > before.maxNs || highest + 1 === counts.length;
  const maxNs = isExact ? now.maxNs : Math.min(lowestOf(highest + 1, now.subBits) - 1, now.maxNs);
  return { subBits: now.subBits, sumNs, maxNs, counts };
}

/** The highest bucket with events; 0 if there is none. */
function last(counts: Float64Array): number {
  return Math.max(
    0,
    counts.findLastIndex((count) => count > 0),
  );
}
