import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Measure } from '../suite.ts';
import { imageBytesFor, MIB, writeZeros } from './images.ts';
import { buildNativeBench, type NativeBench, openNativeBench } from './native-bench.ts';

/** Room for a turn of some seconds. */
const PUT_IMAGE_BYTES = 768 * MIB;

/** The engine without Node: the same records in an image of its own, filled when it is first asked for. */
export class NativeSide implements AsyncDisposable {
  readonly #directory: string;
  readonly #records: number;
  #program: Promise<string> | undefined;
  #image: Promise<NativeBench> | undefined;

  constructor(directory: string, records: number) {
    this.#directory = directory;
    this.#records = records;
  }

  reads(inFlight: number): Measure {
    return async (seconds) => await (await this.#filled()).reads(inFlight, this.#records)(seconds);
  }

  /** Durable puts into a new image each turn, written once before as those of the other side. */
  puts(records: number, inFlight: number): Measure {
    return async (seconds) => {
      const program = await this.#built();
      const path = join(this.#directory, 'native-put.img');
      try {
        writeZeros(path, PUT_IMAGE_BYTES);
        await using bench = openNativeBench(program, ['--device', `file:${path}`]);
        return await bench.puts(inFlight, records)(seconds);
      } finally {
        rmSync(path, { force: true });
      }
    };
  }

  #built(): Promise<string> {
    this.#program ??= buildNativeBench();
    return this.#program;
  }

  #filled(): Promise<NativeBench> {
    this.#image ??= this.#fill();
    return this.#image;
  }

  async #fill(): Promise<NativeBench> {
    const path = join(this.#directory, 'native.img');
    const size = String(imageBytesFor(this.#records) / MIB);
    const bench = openNativeBench(await this.#built(), ['--device', `file:${path}`, '--size-mib', size]);
    try {
      await bench.fill(this.#records);
      return bench;
    } catch (error) {
      await bench[Symbol.asyncDispose]();
      rmSync(path, { force: true });
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const image = await this.#image?.catch(() => undefined);
    await image?.[Symbol.asyncDispose]();
  }
}
