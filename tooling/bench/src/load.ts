import { Histogram } from './histogram.ts';
import type { Figure } from './suite.ts';

/**
 * Keeps `inFlight` operations running for about `seconds`: as many lanes, each starting its next operation when its last
 * one is done. The first fault ends the load and rejects.
 */
export async function runLoad(
  inFlight: number,
  seconds: number,
  operation: (lane: number) => Promise<unknown>,
): Promise<Figure> {
  const latencies = new Histogram();
  const started = performance.now();
  const end = started + seconds * 1000;
  const lane = async (number: number): Promise<void> => {
    for (let from = performance.now(); from < end; ) {
      await operation(number);
      const now = performance.now();
      latencies.record(now - from);
      from = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, number) => lane(number)));
  const elapsed = (performance.now() - started) / 1000;
  return { rate: latencies.total / elapsed, p50: latencies.quantileUs(0.5), p99: latencies.quantileUs(0.99) };
}

/** Adds the processor time of this process to what `measure` says. */
export async function withOwnCpu(measure: () => Promise<Figure>): Promise<Figure> {
  const started = performance.now();
  const before = process.cpuUsage();
  const figure = await measure();
  const { user, system } = process.cpuUsage(before);
  return { ...figure, cpuUsPerOp: (user + system) / (figure.rate * ((performance.now() - started) / 1000)) };
}
