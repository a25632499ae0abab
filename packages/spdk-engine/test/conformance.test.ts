import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { capabilities, openEngine } from '../src/index.ts';
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
