import { join } from 'node:path';
import type { Figure, Measure, Peer } from '../suite.ts';
import { isInstalled, output } from './program.ts';

const FILE_BYTES = 256 * 1024 * 1024;

interface FioJob {
  readonly [direction: string]: unknown;
  readonly usr_cpu: number;
  readonly sys_cpu: number;
}

interface FioDirection {
  readonly iops: number;
  readonly runtime: number;
  readonly total_ios: number;
  readonly clat_ns: { readonly percentile: Readonly<Record<string, number>> };
}

/** The raw device below the engine: fio on a file of the same folder, direct, io_uring, 4 KiB. */
export async function openFio(directory: string): Promise<(kind: 'read' | 'write', depth: number) => Peer> {
  if (!isInstalled('fio')) return () => ({ missing: 'fio is not installed' });
  const file = join(directory, 'fio.dat');
  // Written once, so that reads find data and writes find allocated blocks.
  await output('fio', [...common(file), '--rw=write', '--bs=1M', '--iodepth=8', '--name=fill']);
  return (kind, depth) => ({
    name: 'fio',
    config: `${kind === 'read' ? 'randread' : 'write, sync=dsync'}, bs=4k, direct=1, ioengine=io_uring, iodepth=${depth}, one job`,
    measure: measure(file, kind, depth),
  });
}

function measure(file: string, kind: 'read' | 'write', depth: number): Measure {
  const direction = kind === 'read' ? ['--rw=randread', '--norandommap'] : ['--rw=write', '--sync=dsync'];
  return async (seconds) => {
    const timed = ['--time_based', `--runtime=${Math.ceil(seconds * 1000)}ms`, `--iodepth=${depth}`, '--bs=4k'];
    const text = await output('fio', [...common(file), ...direction, ...timed, '--output-format=json', '--name=peer']);
    return figureOf(text, kind);
  };
}

function common(file: string): readonly string[] {
  return [`--filename=${file}`, `--size=${FILE_BYTES}`, '--direct=1', '--ioengine=io_uring', '--randrepeat=0'];
}

/** Reads fio's JSON (warnings may stand before it). */
export function figureOf(text: string, kind: 'read' | 'write'): Figure {
  const report = JSON.parse(text.slice(text.indexOf('{'))) as { readonly jobs: readonly FioJob[] };
  const [job] = report.jobs;
  const side = job?.[kind] as FioDirection | undefined;
  if (job === undefined || side === undefined) throw new Error('fio reported nothing');
  const percentile = side.clat_ns.percentile;
  return {
    rate: side.iops,
    p50: (percentile['50.000000'] ?? Number.NaN) / 1000,
    p99: (percentile['99.000000'] ?? Number.NaN) / 1000,
    cpuUsPerOp: ((job.usr_cpu + job.sys_cpu) / 100) * ((side.runtime * 1000) / side.total_ios),
  };
}
