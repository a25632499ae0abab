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
};
const missing: Result = { ...row, name: 'other', value: null, quartiles: null, reason: 'not installed' };

describe('the report', () => {
  it('is a table with three digits and the reason of what was not measured', () => {
    const [, first, second] = table([row, missing]).split('\n');
    expect(first).toMatch(
      /^fabric-get-64-vs-redis +1.23 +1.1 to 1.3 +123,457 +100,000 redis-server +512 +2,048 +9.87$/,
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
});
