import { describe, expect, it } from 'vitest';
import { type MemoryObjectStore, memoryObjectStore, objectStoreConformance } from '../src/testing/index.ts';

describe('the store in memory', () => {
  const cases = objectStoreConformance(async (image) => {
    let store: MemoryObjectStore | undefined;
    return {
      persistent: true,
      open: async () => (store = store?.reopen() ?? memoryObjectStore(image)),
      dispose: async () => undefined,
    };
  });
  it.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
