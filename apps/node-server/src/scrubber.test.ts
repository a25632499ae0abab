import { StoreError } from '@ferrite/errors';
import { openEngine, type ScrubOptions, type ScrubProgress } from '@ferrite/spdk-engine';
import { expect, it } from 'vitest';
import { openScrubber } from './scrubber.ts';

it('scrubs a device when asked, tells how it went, and once a while by itself', async () => {
  await using engine = await openEngine({ device: 'memory:', sizeBytes: 64 * 1024 * 1024 });
  const value = Buffer.alloc(1024, 'v');
  for (let at = 0; at < 100; at++) await engine.append({ keyspace: 1, key: Buffer.from(`${at}`), value }).durable;
  const notes: string[] = [];
  await using scrubber = openScrubber(engine, (text) => notes.push(text), 200);
  expect(scrubber.status()).toMatchObject({ running: false, startedAtMs: 0 });
  scrubber.begin();
  expect(scrubber.status().running).toBe(true);
  await expect.poll(() => scrubber.status().running).toBe(false);
  expect(scrubber.status()).toMatchObject({ damagedRecords: 0, failure: '' });
  expect(scrubber.status().bytes).toBeGreaterThan(1024);
  await expect.poll(() => notes.length, { timeout: 5_000 }).toBeGreaterThan(1);
});

/** A device of which one scrub after another ends as told. */
function device(...ends: readonly Promise<ScrubProgress>[]) {
  const begun: ScrubOptions[] = [];
  const scrub = async (options: ScrubOptions = {}): Promise<ScrubProgress> => {
    begun.push(options);
    return await ends[begun.length - 1]!;
  };
  return { begun, scrub };
}

it('runs one scrub at a time, and tells why one ended early until the next begins', async () => {
  const first = Promise.withResolvers<ScrubProgress>();
  const engine = device(first.promise, new Promise(() => undefined));
  const scrubber = openScrubber(engine, () => undefined);
  scrubber.begin(8192);
  scrubber.begin(4096);
  expect(engine.begun.map(({ bytesPerSecond }) => bytesPerSecond)).toEqual([8192]);
  first.reject(new StoreError('DEVICE_FAILED'));
  await expect.poll(() => scrubber.status().running).toBe(false);
  expect(scrubber.status().failure).toMatch(/^DEVICE_FAILED/);
  scrubber.begin();
  expect(scrubber.status()).toMatchObject({ running: true, failure: '' });
});
