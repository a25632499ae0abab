import { describe, expect, it } from 'vitest';
import { plot } from './plot.ts';
import { table } from './report.ts';
import type { Result } from './runner.ts';

const row: Result = {
  name: 'fabric-get-64-vs-redis',
  unit: 'ratio',
  value: 1.234,
  quartiles: [1.1, 1.3],
  p50: 512.3,
  p99: 2048,
  cpu_us_per_op: 9.87,
  peer: 'redis-server',
  peer_config: 'as Debian ships it',
  ours_figure: 123_456.7,
  peer_figure: 100_000,
  peer_p50: 600,
  peer_p99: 2500,
  peer_cpu_us_per_op: null,
};
const missing: Result = { ...row, name: 'other', value: null, quartiles: null, reason: 'not installed' };

describe('the report', () => {
  it('is a table with three digits and the reason of what was not measured', () => {
    const [, first, second] = table([row, missing]).split('\n');
    expect(first).toMatch(
      /^fabric-get-64-vs-redis +1.23 +1.1 to 1.3 +123,457 +100,000 redis-server +512 +2,048 +9.87 +2,500$/,
    );
    expect(second).toMatch(/^other +- .*not installed$/);
  });

  it('is a picture of the ratios that were measured', () => {
    const picture = plot({ suite: 'rpc', host: 'a <host>', commit: null, results: [row, missing] });
    expect(picture).toContain('fabric-get-64-vs-redis');
    expect(picture).toContain('a &lt;host>');
    expect(picture).not.toContain('other');
    expect(plot({ suite: 'rpc', host: '', commit: null, results: [missing] })).toBe('');
  });

  it('draws how a figure grows, each line from the origin of its own scale', () => {
    const growth = { name: 'open after a clean close', unit: 's', over: 'million keys' };
    const points = [
      [1, 0.2],
      [10, 2],
    ] as const;
    const report = { suite: 'engine', host: '', commit: null, results: [missing], series: [{ ...growth, points }] };
    const picture = plot(report);
    expect(picture).toContain('open after a clean close (s) over million keys');
    // A line through the origin: one tenth of the way right is one tenth of the way up.
    const [, drawn = ''] = /<polyline points="([^"]+)"/.exec(picture) ?? [];
    const [start, tenth, end] = drawn.split(' ').map((point) => point.split(',').map(Number));
    const share = (axis: number): number =>
      (Number(tenth?.[axis]) - Number(start?.[axis])) / (Number(end?.[axis]) - Number(start?.[axis]));
    expect(share(0)).toBeCloseTo(0.1);
    expect(share(1)).toBeCloseTo(0.1);
  });
});
