import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, openEngine } from '@ferrite/spdk-engine';
import { runLoad, withOwnCpu } from '../load.ts';
import { openFio } from '../peers/fio.ts';
import { type Measure, type Suite, unmeasured } from '../suite.ts';

const GIB = 1024 ** 3;
const VALUE = new Uint8Array(1024).fill(0x5a);
const RECORDS = 200_000;
const IMAGE_BYTES = 8 * GIB;
const NOT_YET = 'not part of this version';

/** Records of 1 KiB through the TypeScript face of the engine, against the device below it. */
export const engineSuite: Suite = {
  name: 'engine',
  question:
    'How much does the engine add to the device? Random gets and durable puts of 1 KiB over a file, against fio reading ' +
    'and writing 4 KiB on the same disk. Expected: near 1 for one read, above 1 for puts in flight (they share flushes).',
  async open({ directory, say }) {
    await using opened = new AsyncDisposableStack();
    say(`filling an image with ${RECORDS.toLocaleString('en-US')} records`);
    const filled = opened.use(await openEngine({ device: `file:${join(directory, 'read.img')}`, sizeBytes: GIB }));
    for (let at = 0; at < RECORDS; at += 1000) {
      for (let each = at; each < at + 1000; each++) filled.append({ keyspace: 1, key: keyOf(each), value: VALUE });
      await filled.flush();
    }
    const fio = await openFio(directory);
    const writes = opened.use(new FreshImages(join(directory, 'write.img')));
    const read =
      (depth: number): Measure =>
      (seconds) =>
        withOwnCpu(() => runLoad(depth, seconds, () => filled.get(1, keyOf(Math.floor(Math.random() * RECORDS)))));
    const put =
      (depth: number): Measure =>
      async (seconds) => {
        const engine = await writes.engine();
        let next = 0;
        return await withOwnCpu(() =>
          runLoad(
            depth,
            seconds,
            () => engine.append({ keyspace: 1, key: keyOf(next++ % RECORDS), value: VALUE }).durable,
          ),
        );
      };
    const ratio = { unit: 'ratio' };
    const running = opened.move();
    return {
      results: [
        { name: 'read-qd1-p50-vs-fio', ...ratio, metric: 'p50', ours: read(1), peer: fio('read', 1) },
        unmeasured('read-qd1-polled-p50-vs-fio', NOT_YET),
        { name: 'put-durable-qd1-p50-vs-fio', ...ratio, metric: 'p50', ours: put(1), peer: fio('write', 1) },
        { name: 'read-qd64-iops-vs-fio', ...ratio, metric: 'rate', ours: read(64), peer: fio('read', 64) },
        { name: 'put-durable-64-vs-best-peer', ...ratio, metric: 'rate', ours: put(64), peer: fio('write', 64) },
        { name: 'put-durable-512-vs-best-peer', ...ratio, metric: 'rate', ours: put(512), peer: fio('write', 512) },
        ...[
          'read-1-vs-rocksdb',
          'read-16-vs-rocksdb',
          'index-bytes-per-key',
          'open-clean-10m-s',
          'open-crash-10m-s',
        ].map((name) => unmeasured(name, NOT_YET)),
        ...['write-amplification-70', 'put-p99-during-compaction', 'spdk-read-qd1-vs-bdevperf'].map((name) =>
          unmeasured(name, NOT_YET),
        ),
      ],
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
};

function keyOf(number: number): Uint8Array {
  return Buffer.from(`key-${String(number).padStart(12, '0')}`);
}

/** The log only grows: a new image whenever the last one is half full, outside the measured time. */
class FreshImages implements AsyncDisposable {
  readonly #path: string;
  #engine: Engine | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async engine(): Promise<Engine> {
    if (this.#engine !== undefined && this.#engine.stats().freeBytes > IMAGE_BYTES / 2) return this.#engine;
    await this[Symbol.asyncDispose]();
    this.#engine = await openEngine({ device: `file:${this.#path}`, sizeBytes: IMAGE_BYTES });
    return this.#engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
    rmSync(this.#path, { force: true });
  }
}
