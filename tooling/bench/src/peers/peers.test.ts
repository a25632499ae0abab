import { describe, expect, it } from 'vitest';
import { figureOf as nativeFigure } from '../engine/native-bench.ts';
import { figureOf as bdevperfFigure } from './bdevperf.ts';
import { figureOf as etcdFigure } from './etcd.ts';
import { figureOf as fioFigure } from './fio.ts';
import { figureOf as redisFigure } from './redis.ts';
import { figureOf as rocksFigure } from './rocksdb.ts';

describe('what peers print', () => {
  it('is read from the JSON of fio, behind its warnings', () => {
    const read = {
      iops: 20_000,
      runtime: 1000,
      total_ios: 20_000,
      lat_ns: { percentile: { '50.000000': 54_000, '99.000000': 105_000 } },
    };
    const sync = { lat_ns: { percentile: { '50.000000': 66_000, '99.000000': 305_000 } } };
    const job = { read, write: read, sync, usr_cpu: 10, sys_cpu: 30 };
    const text = `note: something\n${JSON.stringify({ jobs: [job] })}`;
    expect(fioFigure(text, 'read')).toEqual({ rate: 20_000, p50: 54, p99: 105, cpuUsPerOp: 20 });
    expect(fioFigure(text, 'write')).toEqual({ rate: 20_000, p50: 120, p99: 410, cpuUsPerOp: 20 });
    expect(() => fioFigure('{"jobs":[]}', 'read')).toThrow('fio reported nothing');
  });

  it('is read from the log of h2load, without what failed', () => {
    const log = ['1000000\t200\t400', '1000100\t503\t10', '1000500\t200\t600', '1001000\t200\t1000', ''].join('\n');
    expect(etcdFigure(log)).toEqual({ figure: { rate: 1500, p50: 600, p99: 600 }, requests: 3 });
    expect(() => etcdFigure('1000100\t503\t10\n')).toThrow('h2load had no answer');
  });

  it('is read from the CSV of redis-benchmark', () => {
    const csv =
      '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n"GET","52631.58","0.010","0.008","0.015","0.023","0.031","0.500"\n';
    expect(redisFigure(csv)).toEqual({ rate: 52_631.58, p50: 15, p99: 31 });
    expect(() => redisFigure('Could not connect')).toThrow('redis-benchmark said');
  });

  it('is read from the lines of db_bench', () => {
    const reads =
      'DB path: [/tmp/db]\nreadrandom   :     285.740 micros/op 13998 ops/sec 1.000 seconds 13996 operations;   13.9 MB/s (13996 of 13996 found)\n\n' +
      'Microseconds per read:\nCount: 13996 Average: 323.0467  StdDev: 509.05\nMin: 4  Median: 241.1499  Max: 24127\n' +
      'Percentiles: P50: 241.15 P75: 344.35 P99: 2145.11 P99.9: 6931.32 P99.99: 18803.20\n';
    expect(rocksFigure(reads, 'readrandom')).toEqual({ rate: 13_998, p50: 241.15, p99: 2145.11 });
    expect(() => rocksFigure(reads.replace('13996 of', '700 of'), 'readrandom')).toThrow('found 700 of 13996 keys');
    const puts =
      'fillrandom   :    2479.454 micros/op 22463 ops/sec 1.159 seconds 26046 operations;   22.3 MB/s\nMicroseconds per write:\n' +
      'Percentiles: P50: 2229.84 P75: 2808.43 P99: 6486.33 P99.9: 139874.55 P99.99: 173061.00\n';
    expect(rocksFigure(puts, 'fillrandom')).toEqual({ rate: 22_463, p50: 2229.84, p99: 6486.33 });
    expect(() => rocksFigure('IO error: No space left', 'fillrandom')).toThrow('db_bench said: IO error');
  });

  it('is read from the totals and the latency summary of bdevperf', () => {
    const text =
      '\r Device Information          : runtime(s)       IOPS      MiB/s     Fail/s     TO/s    Average        min        max\n' +
      'Job: Malloc0 (Core Mask 0x1, workload: randread, depth: 1, IO size: 4096)\n' +
      '\t Malloc0             :       1.00  185991.10     726.53       0.00     0.00       5.11       0.20    8629.51\n' +
      '\r ===================================================================================================================\n' +
      '\r Total                       :             185991.10     726.53       0.00     0.00       5.11       0.20    8629.51\n' +
      '\n Latency summary\n\r =============================================\n\r Job: Malloc0 (Core Mask 0x1)\n' +
      '  1.00000% :     0.592us\n 50.00000% :     1.086us\n 99.00000% :    11.201us\n 99.90000% :    68.256us\n\n';
    expect(bdevperfFigure(text)).toEqual({ rate: 185_991.1, p50: 1.086, p99: 11.201 });
    expect(() => bdevperfFigure("Unable to find bdev 'Malloc0'")).toThrow('bdevperf said');
  });

  it('is read from a line of our own native benchmark', () => {
    const line =
      '{"op":"read","depth":1,"operations":2402,"rate":4803.3,"p50_us":187.06,"p99_us":457.20,"cpu_us_per_op":93.150}';
    expect(nativeFigure(line)).toEqual({ rate: 4803.3, p50: 187.06, p99: 457.2, cpuUsPerOp: 93.15 });
    expect(() => nativeFigure('{"op":"read"}')).toThrow('engine_bench said');
  });
});
