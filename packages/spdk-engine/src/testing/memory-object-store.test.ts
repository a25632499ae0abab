import { StoreError } from '@ferrite/errors';
import { describe, expect, it } from 'vitest';
import { memoryObjectStore } from './memory-object-store.ts';
import { partitionOf, xxh64 } from './xxh64.ts';

const key = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('XXH64', () => {
  it('gives the published values', () => {
    expect(xxh64(key(''))).toBe(0xef46db3751d8e999n);
    expect(xxh64(key('a'))).toBe(0xd24ec4f1a98c6e5bn);
    expect(xxh64(key('abc'))).toBe(0x44bc2cf5ad770999n);
    expect(xxh64(key('Nobody inspects the spammish repetition'))).toBe(0xfbcea83c8a378bf1n);
  });
});

describe('the store in memory', () => {
  it('keeps a flushed append through every crash', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const store = memoryObjectStore({ flushes: 'asked' });
      const { durable } = store.append({ keyspace: 1, key: key('kept'), value: key('v') });
      await store.flush();
      await durable;
      store.append({ keyspace: 1, key: key('at risk'), value: key('v') });
      const after = store.crash(seed);
      expect((await after.get(1, key('kept')))?.value).toEqual(key('v'));
      expect(after.report).toMatchObject({ created: false, clean: false, tail: 'ambiguous' });
    }
  });

  it('loses a suffix of the unflushed appends in a crash, never one from the middle', async () => {
    const survivors = new Set<number>();
    for (let seed = 0; seed < 100; seed += 1) {
      const store = memoryObjectStore({ flushes: 'asked' });
      for (const name of ['a', 'b', 'c']) store.append({ keyspace: 1, key: key(name), value: key(name) });
      const after = store.crash(seed);
      const found = await Promise.all(
        ['a', 'b', 'c'].map(async (name) => (await after.get(1, key(name))) !== undefined),
      );
      expect(found.lastIndexOf(true)).toBe(found.filter(Boolean).length - 1);
      survivors.add(found.filter(Boolean).length);
    }
    expect(survivors).toEqual(new Set([0, 1, 2, 3]));
  });

  it('is dead after a crash', async () => {
    const store = memoryObjectStore();
    store.crash(0);
    expect(() => store.append({ keyspace: 1, key: key('k'), value: key('v') })).toThrow(/SHUTTING_DOWN/);
    await expect(store.get(1, key('k'))).rejects.toThrow(/SHUTTING_DOWN/);
  });

  it('has the old value back when the overwrite is lost', async () => {
    const values = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const store = memoryObjectStore({ flushes: 'asked' });
      store.append({ keyspace: 1, key: key('k'), value: key('old') });
      await store.flush();
      store.append({ keyspace: 1, key: key('k'), value: key('new') });
      const record = await store.crash(seed).get(1, key('k'));
      values.add(Buffer.from(record?.value ?? []).toString());
    }
    expect([...values].sort()).toEqual(['new', 'old']);
  });

  it('fails what is not durable when the device fails, and says so through failed', async () => {
    const store = memoryObjectStore({ flushes: 'asked' });
    const { durable } = store.append({ keyspace: 1, key: key('k'), value: key('v') });
    store.failDevice();
    await expect(durable).rejects.toMatchObject({ reason: 'DEVICE_FAILED', effect: 'unknown' });
    expect(StoreError.is(await store.failed)).toBe(true);
    expect(() => store.append({ keyspace: 1, key: key('k'), value: key('v') })).toThrow(/DEVICE_FAILED/);
  });

  it('opens again after close, clean and with everything', async () => {
    const store = memoryObjectStore();
    store.append({ keyspace: 1, key: key('k'), value: key('v') });
    expect(() => store.reopen()).toThrow(/IMAGE_LOCKED/);
    await store.close();
    const again = store.reopen();
    expect(again.report).toMatchObject({ clean: true, created: false, records: 1, nextSequence: 2 });
    expect((await again.get(1, key('k')))?.partition).toBe(partitionOf(xxh64(key('k')), 10));
  });
});
