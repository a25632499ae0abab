import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { capabilities, openEngine } from '../src/index.ts';
import { runWithFileLimit } from './run-program.ts';

const drivers = capabilities().uring.available ? (['uring', 'pool'] as const) : (['pool'] as const);

it.each(drivers)(
  'a write that the device refuses stops the engine and loses nothing it acknowledged (%s)',
  async (driver) => {
    const directory = await mkdtemp(join(tmpdir(), 'ferrite-failure-'));
    try {
      const device = `file:${join(directory, 'image')}`;
      await useFiveSegments(device);

      // The limit lies in the third segment, whose blocks the file has had all along.
      const { code, output } = await runWithFileLimit(10 * 1024, 'append-until-failed', device, driver);
      expect(code).toBe(0);
      const { durable, ...rest }: { durable: number; lost: string[] } = JSON.parse(output);
      expect(durable).toBeGreaterThan(50);
      expect(rest).toMatchObject({
        // `none`, where the engine never began to write it.
        lost: expect.arrayContaining(['DEVICE_FAILED unknown']),
        refused: 'DEVICE_FAILED none',
        failed: 'DEVICE_FAILED',
        read: 'DEVICE_FAILED none',
        closed: 'DEVICE_FAILED none',
      });

      for (const outcome of rest.lost) expect(outcome).toMatch(/^DEVICE_FAILED (unknown|none)$/);

      await using engine = await openEngine({ device, sizeBytes: 0 });
      expect(engine.report).toMatchObject({ clean: false, damaged: [] });
      for (let n = 0; n < durable; n += 1) {
        expect((await engine.get(1, Buffer.from(`key ${n}`)))?.value.byteLength).toBe(100_000);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);

/** Leaves an image whose first five segments of 4 MiB were used, and whose log goes on at the first. */
async function useFiveSegments(device: string): Promise<void> {
  await using engine = await openEngine({ device, sizeBytes: 64 * 1024 * 1024, segmentBytes: 4 * 1024 * 1024 });
  const value = new Uint8Array(100_000);
  for (let n = 0; n < 190; n += 1) await engine.append({ keyspace: 2, key: Buffer.from(`${n}`), value }).durable;
  for (let n = 0; n < 190; n += 1) await engine.remove(2, Buffer.from(`${n}`)).durable;
  for (let n = 0; n < 45; n += 1) await engine.append({ keyspace: 2, key: Buffer.from('last'), value }).durable;
}
