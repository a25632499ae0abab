import type { Figure, Measure, Peer } from '../suite.ts';
import { isInstalled, output } from './program.ts';

const WRITTEN_BYTES = 512 * 1024 * 1024;

interface FioJob {
  readonly [direction: string]: unknown;
  readonly usr_cpu: number;
  readonly sys_cpu: number;
  readonly sync: { readonly lat_ns: Latencies };
}

interface Latencies {
  readonly percentile: Readonly<Record<string, number>>;
}

interface FioDirection {
  readonly iops: number;
  readonly runtime: number;
  readonly total_ios: number;
  /** From submission to completion. */
  readonly lat_ns: Latencies;
}

/** The raw device below the engine. */
export interface Fio {
  /** Random reads of 4 KiB of the first `bytes` of the file that this gives. */
  reads(file: () => Promise<{ readonly path: string; readonly bytes: number }>, depth: number): Peer;
  /** Writes of 4 KiB, one after the other and each followed by fdatasync, over a file that was written before. */
  puts(file: string): Peer;
}

export function openFio(): Fio {
  if (!isInstalled('fio')) {
    const missing = { missing: 'fio is not installed' };
    return { reads: () => missing, puts: () => missing };
  }
  return {
    reads: (file, depth) => ({
      name: 'fio',
      config: `randread of the same image, bs=4k, direct=1, ioengine=io_uring, iodepth=${depth}, one job`,
      async measure(seconds) {
        const { path, bytes } = await file();
        const random = ['--rw=randread', '--norandommap', '--readonly', `--iodepth=${depth}`];
        return await measure(path, 'read', bytes, random)(seconds);
      },
    }),
    puts(file) {
      let written: Promise<unknown> | undefined;
      const measured = measure(file, 'write', WRITTEN_BYTES, ['--rw=write', '--fdatasync=1', '--iodepth=1']);
      return {
        name: 'fio',
        config:
          'write, bs=4k, fdatasync=1, direct=1, ioengine=io_uring, iodepth=1, over a written file; percentiles are those ' +
          'of the write plus those of the sync',
        async measure(seconds) {
          const fill = ['--rw=write', '--bs=1M', '--iodepth=8', '--name=fill'];
          written ??= output('fio', [...common(file, WRITTEN_BYTES), ...fill]);
          await written;
          return await measured(seconds);
        },
      };
    },
  };
}

function measure(file: string, kind: 'read' | 'write', bytes: number, how: readonly string[]): Measure {
  return async (seconds) => {
    const timed = ['--time_based', `--runtime=${Math.ceil(seconds * 1000)}ms`, '--bs=4k', '--lat_percentiles=1'];
    const told = ['--output-format=json', '--name=peer'];
    return figureOf(await output('fio', [...common(file, bytes), ...how, ...timed, ...told]), kind);
  };
}

function common(file: string, bytes: number): readonly string[] {
  return [`--filename=${file}`, `--size=${bytes}`, '--direct=1', '--ioengine=io_uring', '--randrepeat=0'];
}

/** Reads fio's JSON (warnings may stand before it). */
export function figureOf(text: string, kind: 'read' | 'write'): Figure {
  const report = JSON.parse(text.slice(text.indexOf('{'))) as { readonly jobs: readonly FioJob[] };
  const [job] = report.jobs;
  const side = job?.[kind] as FioDirection | undefined;
  if (job === undefined || side === undefined) throw new Error('fio reported nothing');
  const parts = kind === 'read' ? [side.lat_ns] : [side.lat_ns, job.sync.lat_ns];
  const quantile = (percent: string): number =>
    parts.reduce((sum, part) => sum + (part.percentile[percent] ?? Number.NaN), 0) / 1000;
  return {
    rate: side.iops,
    p50: quantile('50.000000'),
    p99: quantile('99.000000'),
    cpuUsPerOp: ((job.usr_cpu + job.sys_cpu) / 100) * ((side.runtime * 1000) / side.total_ios),
  };
}
