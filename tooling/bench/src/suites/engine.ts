import { join } from 'node:path';
import { openEngine } from '@ferrite/spdk-engine';
import { borrowedKey, randomBelow, VALUE_BYTES } from '../data-set.ts';
import { AgedImage } from '../engine/compaction.ts';
import { Growth } from '../engine/growth.ts';
import { canPoll, FilledImage, FreshImages, fillRecords, MIB } from '../engine/images.ts';
import { runLoad, withOwnCpu } from '../load.ts';
import { bestOf } from '../peers/best-of.ts';
import { openFio } from '../peers/fio.ts';
import { openNpmStore } from '../peers/npm-store.ts';
import { openRedis } from '../peers/redis.ts';
import { openRocksDb } from '../peers/rocksdb.ts';
import { type ResultSpec, type Suite, unmeasured } from '../suite.ts';

/** Bytes of the data set and of the images written, and how many keys are opened. */
const SIZES = {
  full: { dataBytes: 2048 * MIB, putImageBytes: 2048 * MIB, agedBytes: 1024 * MIB, keys: [1e6, 3e6, 10e6] },
  quick: { dataBytes: 256 * MIB, putImageBytes: 1024 * MIB, agedBytes: 256 * MIB, keys: [1e6, 3e6, 10e6] },
} as const;
const PUT_KEYS = 200_000;
const POLL_MICROS = 50;
const MEMORY_RECORDS = 100_000;

const p50 = { unit: 'ratio', metric: 'p50' } as const;
const p99 = { unit: 'ratio', metric: 'p99' } as const;
const rate = { unit: 'ratio', metric: 'rate' } as const;

/** Records of 1 KiB through the TypeScript face of the engine, against the device below it and against other stores. */
export const engineSuite: Suite = {
  name: 'engine',
  question:
    'What does the engine add to the device, and what does it gain over other stores? Random gets and durable puts of 1 ' +
    'KiB through Node, against fio on the same disk, and against RocksDB, LMDB and Redis at the same number in flight. ' +
    'Expected: near 1 for one operation, above 1 for many.',
  async open({ directory, quick, say }) {
    await using opened = new AsyncDisposableStack();
    const { dataBytes, putImageBytes, agedBytes, keys } = SIZES[quick ? 'quick' : 'full'];
    const records = dataBytes / VALUE_BYTES;
    say(`storing ${records.toLocaleString('en-US')} records here and in RocksDB`);
    const filled = opened.use(await FilledImage.fill(join(directory, 'read.img'), records));
    const rocks = await openRocksDb(directory, records);
    const fio = openFio();
    const redis = opened.use(await openRedis(directory, true));
    const lmdb = opened.use(openNpmStore('lmdb', directory, PUT_KEYS));
    const level = opened.use(openNpmStore('classic-level', directory, PUT_KEYS));
    const fresh = opened.use(new FreshImages(join(directory, 'put.img'), putImageBytes));
    const aged = opened.use(new AgedImage(join(directory, 'aged.img'), agedBytes));
    const growth = new Growth(directory, keys);
    const memory = opened.use(await openEngine({ device: 'memory:', sizeBytes: 1024 * MIB }));
    await fillRecords(memory, 0, MEMORY_RECORDS);

    const device = (depth: number) => fio.reads(filled.path, filled.bytes, depth);
    const synced = fio.puts(join(directory, 'fio.dat'));
    const best = (inFlight: number) =>
      bestOf([
        rocks.puts(inFlight),
        lmdb.puts(inFlight),
        redis.peer({ command: 'set', connections: inFlight, pipeline: 1 }),
      ]);
    const put = (inFlight: number) => fresh.puts(PUT_KEYS, inFlight);
    const polled: ResultSpec = (await canPoll())
      ? {
          name: 'read-qd1-polled-p50-vs-fio',
          ...p50,
          ours: filled.gets(1, { pollMicros: POLL_MICROS }),
          peer: device(1),
        }
      : unmeasured('read-qd1-polled-p50-vs-fio', 'this engine has no pollMicros');
    const running = opened.move();
    return {
      results: [
        { name: 'read-qd1-p50-vs-fio', ...p50, ours: filled.gets(1), peer: device(1) },
        polled,
        { name: 'put-durable-qd1-p50-vs-fio', ...p50, ours: put(1), peer: synced },
        { name: 'read-qd64-iops-vs-fio', ...rate, ours: filled.gets(64), peer: device(64) },
        { name: 'put-durable-64-vs-best-peer', ...rate, ours: put(64), peer: best(64) },
        { name: 'put-durable-512-vs-best-peer', ...rate, ours: put(512), peer: best(512) },
        { name: 'read-1-vs-rocksdb', ...rate, ours: filled.gets(1), peer: rocks.reads(1) },
        { name: 'read-16-vs-rocksdb', ...rate, ours: filled.gets(16), peer: rocks.reads(16) },
        ...growth.results(),
        { name: 'write-amplification-70', unit: 'ratio', sample: () => aged.amplification() },
        {
          name: 'put-p99-during-compaction',
          ...p99,
          ours: aged.puts(64),
          peer: { name: 'Ferrite', config: 'the same puts into an image with free space', measure: put(64) },
        },
        unmeasured('spdk-read-qd1-vs-bdevperf', 'no SPDK is installed'),
        { name: 'read-qd64-pool-iops-vs-fio', ...rate, ours: filled.gets(64, { driver: 'pool' }), peer: device(64) },
        { name: 'put-durable-64-vs-classic-level', ...rate, ours: put(64), peer: level.puts(64) },
        { name: 'read-16-vs-classic-level', ...rate, ours: filled.gets(16), peer: level.gets(16) },
        {
          name: 'read-64-memory',
          unit: 'op/s',
          metric: 'rate',
          ours: (seconds) =>
            withOwnCpu(() => runLoad(64, seconds, () => memory.get(1, borrowedKey(randomBelow(MEMORY_RECORDS))))),
        },
      ],
      series: () => growth.series(),
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
};
