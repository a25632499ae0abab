import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../statistics.ts';
import type { SampledSpec, Samples, Series } from '../suite.ts';
import { openWorker, type Worker } from '../worker.ts';

/** What the process with the image is asked for. Its answer to `open` tells how that went, to `fill` the memory after it. */
export type GrowthRequest =
  | { readonly open: string; readonly sizeBytes: number }
  | { readonly fill: number }
  | { readonly close: true };

export interface GrowthAnswer {
  readonly openMs: number;
  readonly clean: boolean;
  readonly records: number;
  /** Memory of the process, garbage collected. */
  readonly residentBytes: number;
}

/** One size: seconds to open, and bytes of memory a key. */
interface Grown {
  readonly keys: number;
  readonly cleanS: readonly number[];
  readonly crashS: number;
  readonly openedBytes: number;
  readonly filledBytes: number;
}

const MILLION = 1e6;
/** What a key of 16 bytes with a value of 32 may take of the log, with room to spare. */
const LOG_BYTES_A_KEY = 200;

/**
 * What many keys cost: memory, and the time to open. Each size has a new image and processes of its own: one fills it and
 * is ended by SIGKILL, one opens what that left, and some open it again after a clean close.
 */
export class Growth {
  readonly #directory: string;
  readonly #sizes: readonly number[];
  readonly #cleanOpens: number;
  #measured: Promise<readonly Grown[]> | undefined;
  readonly #done: Grown[] = [];

  /**
   * @param sizes numbers of keys, ascending; the results tell of the last one
   * @param cleanOpens how often each is opened after a clean close
   */
  constructor(directory: string, sizes: readonly number[], cleanOpens: number) {
    this.#directory = directory;
    this.#sizes = sizes;
    this.#cleanOpens = cleanOpens;
  }

  /** The named results: of the largest size, which the outer contract says is ten million. */
  results(): readonly SampledSpec[] {
    const one = (
      name: string,
      unit: string,
      values: (grown: Grown) => readonly number[],
      what: string,
    ): SampledSpec => ({
      name,
      unit,
      sample: async () => await this.#sample(values, what),
    });
    return [
      one(
        'index-bytes-per-key',
        'B/key',
        ({ openedBytes, keys }) => [openedBytes / keys],
        'process memory after opening, over that of an empty engine',
      ),
      one(
        'index-bytes-per-key-filled',
        'B/key',
        ({ filledBytes, keys }) => [filledBytes / keys],
        'process memory of the process that stored them, over that of an empty engine',
      ),
      one('open-clean-10m-s', 's', ({ cleanS }) => cleanS, 'after a clean close'),
      one('open-crash-10m-s', 's', ({ crashS }) => [crashS], 'after SIGKILL of the process that stored them all'),
    ];
  }

  series(): readonly Series[] {
    if (this.#done.length === 0) return [];
    const line = (name: string, unit: string, value: (grown: Grown) => number): Series => {
      const points = this.#done.map((grown) => [grown.keys / MILLION, value(grown)] as const);
      return { name, unit, over: 'million keys', points };
    };
    return [
      line('open after a clean close', 's', ({ cleanS }) => median(cleanS)),
      line('open after SIGKILL', 's', ({ crashS }) => crashS),
      line('memory over an empty engine', 'MiB', ({ openedBytes }) => openedBytes / 1024 ** 2),
    ];
  }

  async #sample(values: (grown: Grown) => readonly number[], what: string): Promise<Samples> {
    this.#measured ??= this.#measure();
    const largest = (await this.#measured).at(-1);
    if (largest === undefined) throw new Error('no size to measure');
    return {
      values: values(largest),
      note: `${(largest.keys / MILLION).toLocaleString('en-US')} million keys of 16 B, values of 32 B; ${what}`,
    };
  }

  async #measure(): Promise<readonly Grown[]> {
    const largest = Math.max(...this.#sizes);
    const empty = join(this.#directory, 'empty.img');
    await openOnce(empty, largest);
    const { residentBytes } = await openOnce(empty, largest);
    for (const keys of this.#sizes) {
      const image = join(this.#directory, `${keys}.img`);
      try {
        this.#done.push(await grow(image, keys, residentBytes, this.#cleanOpens));
      } finally {
        rmSync(image, { force: true });
      }
    }
    return this.#done;
  }
}

async function grow(image: string, keys: number, emptyBytes: number, cleanOpens: number): Promise<Grown> {
  const filled = await fillAndKill(image, keys);
  const crashed = await openOnce(image, keys);
  if (crashed.clean || crashed.records !== keys) throw new Error(`${crashed.records} of ${keys} keys after SIGKILL`);
  const opened: GrowthAnswer[] = [];
  for (let each = 0; each < cleanOpens; each++) opened.push(await openOnce(image, keys));
  if (opened.some(({ clean, records }) => !clean || records !== keys)) throw new Error('a clean close was not one');
  return {
    keys,
    cleanS: opened.map(({ openMs }) => openMs / 1000),
    crashS: crashed.openMs / 1000,
    openedBytes: median(opened.map(({ residentBytes }) => residentBytes)) - emptyBytes,
    filledBytes: filled.residentBytes - emptyBytes,
  };
}

function inProcess(): Worker<GrowthRequest, GrowthAnswer> {
  return openWorker('./growth-client.ts');
}

async function openOnce(image: string, keys: number): Promise<GrowthAnswer> {
  await using worker = inProcess();
  const answer = await worker.ask({ open: image, sizeBytes: sizeFor(keys) });
  await worker.ask({ close: true });
  return answer;
}

async function fillAndKill(image: string, keys: number): Promise<GrowthAnswer> {
  await using worker = inProcess();
  await worker.ask({ open: image, sizeBytes: sizeFor(keys) });
  const answer = await worker.ask({ fill: keys });
  await worker.kill();
  return answer;
}

const sizeFor = (keys: number): number => 256 * 1024 ** 2 + keys * LOG_BYTES_A_KEY;
