import { type Engine, openEngine } from '@ferrite/spdk-engine';
import { KEY_BYTES, VALUE_BYTES } from '../data-set.ts';
import { withOwnCpu } from '../load.ts';
import type { Measure, Samples } from '../suite.ts';
import { fillRecords, randomPuts } from './images.ts';

const SPACE_USE = 0.7;
const IN_FLIGHT = 256;
/** As many as an image of 2 GiB has by default: the share that is reserved does not depend on the size measured. */
const SEGMENTS = 64;
/** Times the image is overwritten before anything counts: from then on every segment was compacted before. */
const AGEING_PASSES = 3;
const MEASURED_PASSES = 3;
/** Windows of which the write amplification is told. */
const WINDOWS_A_PASS = 2;
const SLICE_SECONDS = 0.5;
const AGEING_WITHIN_MS = 480_000;

/** An image of which live records take 70 %, overwritten uniformly until compaction has reached its steady state. */
export class AgedImage implements AsyncDisposable {
  readonly #path: string;
  readonly #bytes: number;
  #opened:
    | Promise<{ readonly engine: Engine; readonly records: number; readonly amplification: readonly number[] }>
    | undefined;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Bytes written to the device for each byte of keys and values put, over windows of the steady state. */
  async amplification(): Promise<Samples> {
    const { amplification, records } = await this.#aged();
    return {
      values: amplification,
      note:
        `${this.#bytes / 1024 ** 2} MiB in ${SEGMENTS} segments, ${records} records of 1 KiB (${SPACE_USE * 100} % of it) overwritten uniformly, ` +
        `${IN_FLIGHT} in flight, ${AGEING_PASSES + MEASURED_PASSES} times its size; windows of the last ${MEASURED_PASSES}`,
    };
  }

  /** Durable puts while compaction keeps up with them. */
  puts(inFlight: number): Measure {
    return async (seconds) => {
      const { engine, records } = await this.#aged();
      return await withOwnCpu(() => randomPuts(engine, records, inFlight)(seconds));
    };
  }

  #aged() {
    this.#opened ??= this.#age();
    return this.#opened;
  }

  async #age() {
    const segmentBytes = this.#bytes / SEGMENTS;
    const engine = await openEngine({ device: `file:${this.#path}`, sizeBytes: this.#bytes, segmentBytes });
    try {
      await fillRecords(engine, 0, 1000);
      const { recordBytes, records: stored } = engine.stats();
      const records = Math.floor((SPACE_USE * this.#bytes * stored) / recordBytes);
      await fillRecords(engine, stored, records);
      const put = randomPuts(engine, records, IN_FLIGHT);
      const deadline = performance.now() + AGEING_WITHIN_MS;
      const overwrite = async (bytes: number): Promise<number> => {
        const before = engine.stats();
        for (;;) {
          await put(SLICE_SECONDS);
          const now = engine.stats();
          const user = (now.appends - before.appends) * (KEY_BYTES + VALUE_BYTES);
          // The zeros written ahead of a new file's log are written once in its life.
          const log = (stats: typeof now): number => stats.writtenBytes - stats.preparedBytes;
          if (user >= bytes) return (log(now) - log(before)) / user;
          if (performance.now() > deadline) throw new Error(`not overwritten within ${AGEING_WITHIN_MS / 1000} s`);
        }
      };
      await overwrite(AGEING_PASSES * this.#bytes);
      const amplification: number[] = [];
      for (let window = 0; window < MEASURED_PASSES * WINDOWS_A_PASS; window++) {
        amplification.push(await overwrite(this.#bytes / WINDOWS_A_PASS));
      }
      return { engine, records, amplification };
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.engine.close();
  }
}
