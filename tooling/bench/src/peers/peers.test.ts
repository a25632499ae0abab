import { describe, expect, it } from 'vitest';
import { figureOf as fioFigure } from './fio.ts';
import { figureOf as redisFigure } from './redis.ts';

describe('what peers print', () => {
  it('is read from the JSON of fio, behind its warnings', () => {
    const read = {
      iops: 20_000,
      runtime: 1000,
      total_ios: 20_000,
      clat_ns: { percentile: { '50.000000': 54_000, '99.000000': 105_000 } },
    };
    const text = `note: something\n${JSON.stringify({ jobs: [{ read, usr_cpu: 10, sys_cpu: 30 }] })}`;
    expect(fioFigure(text, 'read')).toEqual({ rate: 20_000, p50: 54, p99: 105, cpuUsPerOp: 20 });
    expect(() => fioFigure('{"jobs":[]}', 'read')).toThrow('fio reported nothing');
  });

  it('is read from the CSV of redis-benchmark', () => {
    const csv =
      '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n"GET","52631.58","0.010","0.008","0.015","0.023","0.031","0.500"\n';
    expect(redisFigure(csv)).toEqual({ rate: 52_631.58, p50: 15, p99: 31 });
    expect(() => redisFigure('Could not connect')).toThrow('redis-benchmark said');
  });
});
