import { describe, expect, it } from 'vitest';
import { FULL, measureResult, QUICK } from './runner.ts';
import type { ComparedSpec, Figure, Measure } from './suite.ts';

/** A side that answers with these rates in turn (the last one for ever) and writes down its turns. */
function side(name: string, rates: readonly number[], log: string[] = []): Measure {
  let turn = 0;
  return async (seconds): Promise<Figure> => {
    log.push(`${name}${seconds}`);
    const rate = rates[Math.min(turn++, rates.length - 1)] ?? 0;
    return { rate, p50: 1000 / rate, p99: 2000 / rate, cpuUsPerOp: 5 };
  };
}

const spec = (ours: Measure, peer: Measure, metric: ComparedSpec['metric'] = 'rate'): ComparedSpec => {
  return { name: 'a-vs-b', unit: 'ratio', metric, ours, peer: { name: 'b', config: 'as it comes', measure: peer } };
};

describe('the runner', () => {
  it('measures A B B A in every round, each side for its seconds in two turns', async () => {
    const log: string[] = [];
    await measureResult(spec(side('A', [10], log), side('B', [5], log)), QUICK);
    expect(log).toEqual(Array.from({ length: 3 }, () => ['A0.5', 'B0.5', 'B0.5', 'A0.5']).flat());
    expect(FULL).toEqual({ rounds: 9, secondsPerSide: 3 });
  });

  it('publishes the median ratio of ours over the peer, its quartiles and our figures', async () => {
    const result = await measureResult(spec(side('A', [10]), side('B', [5])), QUICK);
    expect(result).toMatchObject({ value: 2, quartiles: [2, 2], p50: 100, p99: 200, cpu_us_per_op: 5, peer: 'b' });
    expect(result.noisy).toBeUndefined();
  });

  it('compares latencies the same way round: ours over the peer', async () => {
    expect((await measureResult(spec(side('A', [10]), side('B', [5]), 'p50'), QUICK)).value).toBe(0.5);
  });

  it('lets drift that hits both sides alike cancel out within a round', async () => {
    // The machine slows down steadily: A B B A take 4, 3, 2, 1.
    const result = await measureResult(spec(side('A', [4, 1, 4, 1, 4, 1]), side('B', [3, 2, 3, 2, 3, 2])), QUICK);
    expect(result.value).toBe(1);
  });

  it('measures a noisy result once more, and publishes the second run if it is quiet', async () => {
    const log: string[] = [];
    const noisyFirst = [1, 1, 5, 5, 20, 20, 7];
    const result = await measureResult(spec(side('A', noisyFirst, log), side('B', [7])), QUICK);
    expect(result).toMatchObject({ value: 1 });
    expect(result.noisy).toBeUndefined();
    expect(log).toHaveLength(12);
  });

  it('says so when the second run is noisy too', async () => {
    const wild = [1, 1, 5, 5, 20, 20, 1, 1, 5, 5, 20, 20];
    expect(await measureResult(spec(side('A', wild), side('B', [7])), QUICK)).toMatchObject({ noisy: true });
  });

  it('publishes the latencies of both sides', async () => {
    const result = await measureResult(spec(side('A', [10]), side('B', [5])), QUICK);
    expect(result).toMatchObject({ p99: 200, peer_p50: 200, peer_p99: 400, peer_cpu_us_per_op: 5 });
  });

  it('takes the samples of a figure that no turn can tell, once', async () => {
    const sampled = { name: 'open-s', unit: 's', sample: async () => ({ values: [3, 1, 2], note: 'ten keys' }) };
    const result = await measureResult(sampled, QUICK);
    expect(result).toMatchObject({ value: 2, quartiles: [1.5, 2.5], note: 'ten keys', noisy: true, peer: null });
    const broken = { ...sampled, sample: () => Promise.reject(new Error('it broke')) };
    expect(await measureResult(broken, QUICK)).toMatchObject({ value: null, reason: 'failed: it broke' });
  });

  it('gives null and the reason where there is no peer or a side fails', async () => {
    const missing = { ...spec(side('A', [1]), side('B', [1])), peer: { missing: 'fio is not installed' } };
    expect(await measureResult(missing, QUICK)).toMatchObject({ value: null, reason: 'fio is not installed' });
    const broken = spec(side('A', [1]), async () => await Promise.reject(new Error('it broke')));
    expect(await measureResult(broken, QUICK)).toMatchObject({ value: null, reason: 'failed: it broke' });
  });
});
