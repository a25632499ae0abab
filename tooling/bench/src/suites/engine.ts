import { join } from 'node:path';
import { type Engine, openEngine } from '@ferrite/spdk-engine';
import { borrowedKey, randomBelow, VALUE_BYTES } from '../data-set.ts';
import { AgedImage } from '../engine/compaction.ts';
import { Growth } from '../engine/growth.ts';
import { canPoll, FilledImage, FreshImages, fillRecords, MIB } from '../engine/images.ts';
import { NativeSide } from '../engine/native-side.ts';
import { spdkResults } from '../engine/spdk.ts';
import { runLoad, withOwnCpu } from '../load.ts';
import { bestOf } from '../peers/best-of.ts';
import { openFio } from '../peers/fio.ts';
import { openNpmStore } from '../peers/npm-store.ts';
import { openRedis } from '../peers/redis.ts';
import { openRocksDb } from '../peers/rocksdb.ts';
import {
  type ComparedSpec,
  type Measure,
  type Peer,
  type ResultSpec,
  type Suite,
  type SuiteContext,
  unmeasured,
} from '../suite.ts';

/** Bytes of the data that is read and of the images that are written, and how many keys are opened. */
const SIZES = {
  full: { dataBytes: 2048 * MIB, putBytes: 2048 * MIB, agedBytes: 1024 * MIB, keys: [1e6, 3e6, 10e6], cleanOpens: 3 },
  quick: { dataBytes: 256 * MIB, putBytes: 512 * MIB, agedBytes: 256 * MIB, keys: [1e6, 10e6], cleanOpens: 1 },
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
  async open(context) {
    await using opened = new AsyncDisposableStack();
    const sides = await openSides(context, opened);
    const running = opened.move();
    return {
      results: [
        ...againstTheDevice(sides),
        ...againstStores(sides),
        ...sides.growth.results(),
        ...underCompaction(sides),
        ...spdkResults(context.directory),
        ...(sides.polls ? polled(sides) : []),
        ...besides(sides),
      ],
      series: () => sides.growth.series(),
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
};

type Sides = Awaited<ReturnType<typeof openSides>>;

/** Everything that is compared; what holds much data is filled when it is first measured. `opened` closes it. */
async function openSides({ directory, quick }: SuiteContext, opened: AsyncDisposableStack) {
  const { dataBytes, putBytes, agedBytes, keys, cleanOpens } = SIZES[quick ? 'quick' : 'full'];
  const records = dataBytes / VALUE_BYTES;
  return {
    filled: opened.use(new FilledImage(join(directory, 'read.img'), records)),
    rocks: openRocksDb(directory, records),
    redis: opened.use(await openRedis(directory, true)),
    lmdb: opened.use(openNpmStore('lmdb', directory, PUT_KEYS)),
    level: opened.use(openNpmStore('classic-level', directory, PUT_KEYS)),
    fio: openFio(),
    fioFile: join(directory, 'fio.dat'),
    fresh: opened.use(new FreshImages(join(directory, 'put.img'), putBytes)),
    aged: opened.use(new AgedImage(join(directory, 'aged.img'), agedBytes)),
    native: opened.use(new NativeSide(directory, records)),
    growth: new Growth(directory, keys, cleanOpens),
    memory: opened.use(await openMemory()),
    polls: await canPoll(),
  };
}

async function openMemory(): Promise<Engine> {
  const engine = await openEngine({ device: 'memory:', sizeBytes: 512 * MIB });
  await fillRecords(engine, 0, MEMORY_RECORDS);
  return engine;
}

function againstTheDevice({ filled, fresh, fio, fioFile, polls }: Sides): readonly ResultSpec[] {
  const device = (depth: number): Peer => fio.reads(() => filled.extent(), depth);
  const polled = { ...p50, ours: filled.gets(1, { pollMicros: POLL_MICROS }), peer: device(1) };
  return [
    { name: 'read-qd1-p50-vs-fio', ...p50, ours: filled.gets(1), peer: device(1) },
    polls
      ? { name: 'read-qd1-polled-p50-vs-fio', ...polled }
      : unmeasured('read-qd1-polled-p50-vs-fio', 'this engine has no pollMicros'),
    { name: 'put-durable-qd1-p50-vs-fio', ...p50, ours: fresh.puts(PUT_KEYS, 1), peer: fio.puts(fioFile) },
    { name: 'read-qd64-iops-vs-fio', ...rate, ours: filled.gets(64), peer: device(64) },
    { name: 'read-qd64-pool-iops-vs-fio', ...rate, ours: filled.gets(64, { driver: 'pool' }), peer: device(64) },
  ];
}

function againstStores({ filled, fresh, rocks, lmdb, redis }: Sides): readonly ResultSpec[] {
  const put = (inFlight: number): ComparedSpec => {
    const set = redis.peer({ command: 'set', connections: inFlight, pipeline: 1 });
    const peer = bestOf([rocks.puts(inFlight), lmdb.puts(inFlight), set]);
    return { name: `put-durable-${inFlight}-vs-best-peer`, ...rate, ours: fresh.puts(PUT_KEYS, inFlight), peer };
  };
  const read = (inFlight: number): ComparedSpec => {
    return { name: `read-${inFlight}-vs-rocksdb`, ...rate, ours: filled.gets(inFlight), peer: rocks.reads(inFlight) };
  };
  return [put(64), put(512), read(1), read(16)];
}

function underCompaction({ aged, fresh }: Sides): readonly ResultSpec[] {
  const quiet = (inFlight: number): Peer => {
    return { name: 'Ferrite', config: 'into free space, nothing to compact', measure: fresh.puts(PUT_KEYS, inFlight) };
  };
  return [
    { name: 'write-amplification-70', unit: 'x', sample: () => aged.amplification() },
    { name: 'put-p99-during-compaction', ...p99, ours: aged.puts(64), peer: quiet(64) },
  ];
}

/** The same questions to an engine that goes on polling after an operation. */
function polled({ filled, fresh, rocks, fio, fioFile }: Sides): readonly ResultSpec[] {
  const settings = { pollMicros: POLL_MICROS };
  const read = (inFlight: number): ComparedSpec => {
    const ours = filled.gets(inFlight, settings);
    return { name: `read-${inFlight}-polled-vs-rocksdb`, ...rate, ours, peer: rocks.reads(inFlight) };
  };
  const put = { ...p50, ours: fresh.puts(PUT_KEYS, 1, settings), peer: fio.puts(fioFile) };
  return [{ name: 'put-durable-qd1-polled-p50-vs-fio', ...put }, read(1), read(16)];
}

/** What the outer contract does not name, but who reads the rest will ask. */
function besides({ filled, fresh, native, level, memory }: Sides): readonly ResultSpec[] {
  const bare = (measure: Measure): Peer => {
    return { name: 'Ferrite', config: 'native/engine/bench, without Node', measure };
  };
  const random = (): Promise<unknown> => memory.get(1, borrowedKey(randomBelow(MEMORY_RECORDS)));
  return [
    { name: 'read-qd1-node-vs-native', ...p50, ours: filled.gets(1), peer: bare(native.reads(1)) },
    {
      name: 'put-durable-64-node-vs-native',
      ...rate,
      ours: fresh.puts(PUT_KEYS, 64),
      peer: bare(native.puts(PUT_KEYS, 64)),
    },
    { name: 'put-durable-64-vs-classic-level', ...rate, ours: fresh.puts(PUT_KEYS, 64), peer: level.puts(64) },
    { name: 'read-16-vs-classic-level', ...rate, ours: filled.gets(16), peer: level.gets(16) },
    { name: 'read-64-memory', unit: 'op/s', metric: 'rate', ours: (s) => withOwnCpu(() => runLoad(64, s, random)) },
  ];
}
