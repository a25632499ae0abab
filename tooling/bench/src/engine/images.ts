import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { type Engine, type EngineConfig, openEngine } from '@ferrite/spdk-engine';
import { borrowedKey, randomBelow, VALUE } from '../data-set.ts';
import { runLoad, withOwnCpu } from '../load.ts';
import type { Measure } from '../suite.ts';

export const MIB = 1024 ** 2;
const BATCH = 1000;

/** How an image is opened, apart from where it is. `pollMicros`: how long the reactor polls after the last operation. */
export interface Settings extends Pick<EngineConfig, 'driver'> {
  readonly pollMicros?: number;
}

/** True if this engine has the setting: it refuses a wrong value of it. */
export async function canPoll(): Promise<boolean> {
  const wrong: Settings = { pollMicros: -1 };
  try {
    await using _ = await openEngine({ device: 'memory:', sizeBytes: 64 * MIB, ...wrong });
    return false;
  } catch {
    return true;
  }
}

/** Appends records `from` to `to` in batches, the next one while the last one is flushed. */
export async function fillRecords(engine: Engine, from: number, to: number, value = VALUE): Promise<void> {
  let flushed: Promise<void> = Promise.resolve();
  for (let at = from; at < to; at += BATCH) {
    for (let each = at; each < Math.min(to, at + BATCH); each++) {
      engine.append({ keyspace: 1, key: borrowedKey(each), value });
    }
    await flushed;
    flushed = engine.flush();
  }
  await flushed;
}

/** Durable puts over `records` keys at random. */
export function randomPuts(engine: Engine, records: number, inFlight: number): Measure {
  return (seconds) =>
    runLoad(
      inFlight,
      seconds,
      () => engine.append({ keyspace: 1, key: borrowedKey(randomBelow(records)), value: VALUE }).durable,
    );
}

/** An image full of records to read, filled when it is first asked for. It stays open until wanted with other settings. */
export class FilledImage implements AsyncDisposable {
  readonly #path: string;
  readonly #records: number;
  #settings: Settings = {};
  #engine: Engine | undefined;

  constructor(path: string, records: number) {
    this.#path = path;
    this.#records = records;
  }

  gets(inFlight: number, settings: Settings = {}): Measure {
    return async (seconds) => {
      const engine = await this.#opened(settings);
      const get = async (): Promise<void> => {
        const found = await engine.get(1, borrowedKey(randomBelow(this.#records)));
        if (found === undefined) throw new Error('a get found nothing');
      };
      return await withOwnCpu(() => runLoad(inFlight, seconds, get));
    };
  }

  /** The file, and how many bytes from its start surely hold records. */
  async extent(): Promise<{ readonly path: string; readonly bytes: number }> {
    const { recordBytes } = (await this.#opened(this.#settings)).stats();
    return { path: this.#path, bytes: Math.floor(recordBytes / MIB) * MIB };
  }

  async #opened(settings: Settings): Promise<Engine> {
    const same = JSON.stringify(settings) === JSON.stringify(this.#settings);
    if (this.#engine !== undefined && same) return this.#engine;
    const filled = this.#engine !== undefined;
    await this.#engine?.close();
    const image = { device: `file:${this.#path}`, sizeBytes: imageBytesFor(this.#records) };
    this.#engine = await openEngine({ ...image, ...settings });
    this.#settings = settings;
    if (!filled) await fillRecords(this.#engine, 0, this.#records);
    return this.#engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine?.close();
  }
}

/**
 * Images for puts, a new one whenever the last one is half full, so that nothing is measured but puts. Their files were
 * written once, as an image is after its first pass: what allocating blocks costs is the file system's.
 */
export class FreshImages implements AsyncDisposable {
  readonly #path: string;
  readonly #bytes: number;
  #settings: Settings = {};
  #engine: Engine | undefined;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Durable puts over `records` keys. */
  puts(records: number, inFlight: number, settings: Settings = {}): Measure {
    return async (seconds) => {
      const engine = await this.#opened(settings);
      return await withOwnCpu(() => randomPuts(engine, records, inFlight)(seconds));
    };
  }

  async #opened(settings: Settings): Promise<Engine> {
    const same = JSON.stringify(settings) === JSON.stringify(this.#settings);
    if (this.#engine !== undefined && same && this.#engine.stats().freeBytes > this.#bytes / 2) return this.#engine;
    await this[Symbol.asyncDispose]();
    writeZeros(this.#path, this.#bytes);
    this.#engine = await openEngine({ device: `file:${this.#path}`, sizeBytes: this.#bytes, ...settings });
    this.#settings = settings;
    return this.#engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
    rmSync(this.#path, { force: true });
  }
}

/** Room for these records of 1 KiB, half as much again. */
export function imageBytesFor(records: number): number {
  return Math.ceil((records * 1.7) / 1024) * MIB + 128 * MIB;
}

/** A file of zeros whose blocks are all allocated and written. */
export function writeZeros(path: string, bytes: number): void {
  const zeros = new Uint8Array(8 * MIB);
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < bytes; at += zeros.length) writeSync(file, zeros, 0, Math.min(zeros.length, bytes - at));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
