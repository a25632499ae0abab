import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VALUE_BYTES } from '../data-set.ts';
import { bdevperfReads, findBdevperf } from '../peers/bdevperf.ts';
import { type ResultSpec, unmeasured } from '../suite.ts';
import { MIB, writeZeros } from './images.ts';
import { buildNativeBench, openNativeBench } from './native-bench.ts';

const BDEV_BYTES = 256 * MIB;
const BLOCK_BYTES = 4096;
/** Takes a quarter of the bdev. */
const RECORDS = BDEV_BYTES / VALUE_BYTES / 4;

/** A bdev that every host can have. */
interface Bdev {
  readonly result: string;
  readonly name: string;
  /** The file below it; absent: in the memory of each process. */
  readonly file?: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * One read at a time through the native engine on a bdev, against bdevperf on the same one: a file through Linux aio, as
 * a disk has it, and plain memory, where nothing but our own path is left to see.
 */
export function spdkResults(directory: string): readonly ResultSpec[] {
  let built: Promise<string> | undefined;
  const program = (): Promise<string> => {
    built ??= buildNativeBench('engine_bench_spdk');
    return built;
  };
  const file = join(directory, 'bdev.img');
  const malloc = { num_blocks: BDEV_BYTES / BLOCK_BYTES, block_size: BLOCK_BYTES };
  const bdevs: readonly Bdev[] = [
    {
      result: 'spdk-read-qd1-vs-bdevperf',
      name: 'Aio0',
      file,
      method: 'bdev_aio_create',
      params: { filename: file, block_size: BLOCK_BYTES },
    },
    { result: 'spdk-read-qd1-malloc-vs-bdevperf', name: 'Malloc0', method: 'bdev_malloc_create', params: malloc },
  ];
  return bdevs.map((bdev) => spdkResult(directory, bdev, program));
}

function spdkResult(directory: string, bdev: Bdev, program: () => Promise<string>): ResultSpec {
  const found = findBdevperf();
  if ('missing' in found) return unmeasured(bdev.result, found.missing);
  const config = join(directory, `${bdev.name}.json`);
  let prepared = false;
  let filled = false;
  const prepare = async (): Promise<string> => {
    if (prepared) return config;
    const method = { method: bdev.method, params: { name: bdev.name, ...bdev.params } };
    writeFileSync(config, JSON.stringify({ subsystems: [{ subsystem: 'bdev', config: [method] }] }));
    // Every block is written: reading what a file does not have would be no reading.
    if (bdev.file !== undefined) writeZeros(bdev.file, BDEV_BYTES);
    prepared = true;
    return config;
  };
  return {
    name: bdev.result,
    unit: 'ratio',
    metric: 'p50',
    async ours(seconds) {
      const spdk = ['--spdk-config', await prepare(), '--allow-volatile'];
      const args = ['--device', `spdk:${bdev.name}`, '--size-mib', '0', ...spdk];
      await using bench = openNativeBench(await program(), args);
      if (!filled || bdev.file === undefined) await bench.fill(RECORDS);
      filled = true;
      return await bench.reads(1, RECORDS)(seconds);
    },
    peer: bdevperfReads(found, bdev.name, prepare),
  };
}
