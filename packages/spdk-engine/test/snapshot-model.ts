import { randomBytes } from 'node:crypto';
import { type Engine, restoreSnapshot, type SnapshotSource } from '../src/index.ts';
import { partitionOf, xxh64 } from '../src/testing/xxh64.ts';

/** Few enough partitions that reading all of a test's image is quick. */
export const partitionBits = 4;

/** `keyspace/key` -> value, as text. */
export type Content = Map<string, string>;

/** Writes of which every sequence is known, so that the content at any sequence is. */
export class WriteModel {
  readonly #engine: Engine;
  readonly #writes: { sequence: number; name: string; value: string | undefined }[] = [];
  readonly #names: string[][];
  #running = false;
  readonly #valueBytesMax: number;
  readonly #keys: number;

  constructor(engine: Engine, { keys = 3000, valueBytesMax = 4000 } = {}) {
    this.#engine = engine;
    this.#keys = keys;
    this.#valueBytesMax = valueBytesMax;
    this.#names = Array.from({ length: 2 ** engine.report.partitionBits }, () => []);
    for (let key = 0; key < keys; key += 1) {
      const hash = xxh64(Buffer.from(`key ${key}`));
      this.#names[partitionOf(hash, engine.report.partitionBits)]?.push(`key ${key}`);
    }
  }

  /** One write of a random key, a third of them removals, or rarely a drop of a partition; settles when it is durable. */
  write(): Promise<void> {
    const random = randomBytes(8);
    const keyspace = [0, 1, 1, 1, 4_000_000_000][random.readUInt8(0) % 5] ?? 0;
    if (random.readUInt16LE(6) % 1000 === 0) return this.#drop(keyspace, random.readUInt8(1) % this.#names.length);
    const key = `key ${random.readUInt32LE(1) % this.#keys}`;
    const value = random.readUInt8(5) % 3 === 0 ? undefined : randomBytes(random.readUInt16LE(6) % this.#valueBytesMax);
    const { sequence, durable } =
      value === undefined
        ? this.#engine.remove(keyspace, Buffer.from(key))
        : this.#engine.append({ keyspace, key: Buffer.from(key), value });
    this.#writes.push({ sequence, name: `${keyspace}/${key}`, value: value?.toString('latin1') });
    return durable;
  }

  #drop(keyspace: number, partition: number): Promise<void> {
    const { sequence, durable } = this.#engine.dropPartition(keyspace, partition);
    for (const key of this.#names[partition] ?? []) {
      this.#writes.push({ sequence, name: `${keyspace}/${key}`, value: undefined });
    }
    return durable;
  }

  async writeMany(count: number): Promise<void> {
    for (let n = 0; n < count; n += 64) await Promise.all(Array.from({ length: 64 }, () => this.write()));
  }

  /** Writers that go on until `stop`. */
  run(writers: number): { stop(): Promise<void> } {
    this.#running = true;
    const loop = async (): Promise<void> => {
      while (this.#running) await this.write();
    };
    const all = Promise.all(Array.from({ length: writers }, loop));
    return {
      stop: async () => {
        this.#running = false;
        await all;
      },
    };
  }

  at(sequence: number): Content {
    const content: Content = new Map();
    for (const write of this.#writes) {
      if (write.sequence > sequence) break;
      if (write.value === undefined) content.delete(write.name);
      else content.set(write.name, write.value);
    }
    return content;
  }
}

/** All that an engine holds in the model's keyspaces. */
export async function contentOf(
  engine: Engine,
  keyspaces: readonly number[] = [0, 1, 4_000_000_000],
): Promise<Content> {
  const content: Content = new Map();
  for (const keyspace of keyspaces) {
    for (let partition = 0; partition < 2 ** engine.report.partitionBits; partition += 1) {
      for await (const { key, value } of engine.scan({ keyspace, partition })) {
        content.set(`${keyspace}/${Buffer.from(key).toString()}`, Buffer.from(value).toString('latin1'));
      }
    }
  }
  return content;
}

/** Names whose values differ; the maps themselves would be a long message. */
export function differences(a: Content, b: Content): string[] {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].filter((name) => a.get(name) !== b.get(name));
}

export async function blocksOf(
  snapshot: AsyncIterable<Uint8Array>,
  pause?: () => Promise<unknown>,
): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = [];
  for await (const block of snapshot) {
    blocks.push(block);
    await pause?.();
  }
  return blocks;
}

export async function* chunks(blocks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* blocks;
}

/** What a snapshot holds, restored in memory. */
export async function restoredInMemory(source: SnapshotSource, sizeBytes = 256 * 1024 * 1024): Promise<Engine> {
  return (await restoreSnapshot({ device: 'memory:', sizeBytes }, source)).engine;
}
