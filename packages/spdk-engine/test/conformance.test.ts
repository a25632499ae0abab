import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Appended, capabilities, type Engine, type OnDurable, openEngine } from '../src/index.ts';
import {
  type ConformanceImage,
  type ConformanceTarget,
  type MemoryObjectStore,
  memoryObjectStore,
  objectStoreConformance,
} from '../src/testing/index.ts';

function suite(create: (image: ConformanceImage) => Promise<ConformanceTarget>): void {
  it.each(objectStoreConformance(create))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
}

describe('the twin in memory', () => {
  suite(async (image) => {
    let store: MemoryObjectStore | undefined;
    return {
      persistent: true,
      open: async () => (store = store?.reopen() ?? memoryObjectStore(image)),
      dispose: async () => undefined,
    };
  });
});

describe('the engine in memory', () => {
  suite(async (image) => ({
    persistent: false,
    open: () => openEngine({ ...image, device: 'memory:' }),
    dispose: async () => undefined,
  }));
});

const drivers = [
  { driver: 'pool', available: true },
  { driver: 'uring', available: capabilities().uring.available },
] as const;

for (const { driver, available } of drivers) {
  describe.skipIf(!available)(`the engine on a file, driven by ${driver}`, () => {
    suite(async (image) => {
      const directory = await mkdtemp(join(tmpdir(), 'ferrite-conformance-'));
      return {
        persistent: true,
        open: () => openEngine({ ...image, driver, device: `file:${join(directory, 'image')}` }),
        dispose: () => rm(directory, { recursive: true }),
      };
    });
  });
}

describe('the engine through its callbacks', () => {
  suite(async (image) => ({
    persistent: false,
    open: async () => withPromises(await openEngine({ ...image, device: 'memory:' })),
    dispose: async () => undefined,
  }));
});

/** The engine, except that single records go through `calls`. */
function withPromises(engine: Engine): Engine {
  const { calls } = engine;
  const changed = (change: (durable: OnDurable) => number): Appended => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    return { sequence: change((failed) => (failed === undefined ? resolve() : reject(failed))), durable: promise };
  };
  const over: Partial<Engine> = {
    append: (record) => changed((durable) => calls.append(record, durable)),
    remove: (keyspace, key) => changed((durable) => calls.remove(keyspace, key, durable)),
    dropPartition: (keyspace, partition) => changed((durable) => calls.dropPartition(keyspace, partition, durable)),
    get: (keyspace, key) =>
      new Promise((resolve, reject) => {
        calls.get(keyspace, key, (failed, found) => (failed === undefined ? resolve(found) : reject(failed)));
      }),
  };
  return new Proxy(engine, {
    get(target, name) {
      const own: unknown = Reflect.get(over, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
