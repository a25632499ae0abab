import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openEngine, restoreSnapshot } from '../src/index.ts';
import { blocksOf, chunks, partitionBits } from './snapshot-model.ts';

it('shows no record whose time has passed, where the engine was told to end them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ferrite-expiry-'));
  try {
    const config = {
      device: `file:${join(directory, 'image')}`,
      sizeBytes: 16 * 1024 * 1024,
      partitionBits,
      allowVolatile: true,
    };
    const passed = Date.now() - 1;
    const later = Date.now() + 3_600_000;
    {
      await using engine = await openEngine({ ...config, expire: true });
      const soon = Date.now() + 500;
      const times = { never: 0, passed, soon, later };
      for (const [name, expiresAtMs] of Object.entries(times)) {
        engine.append({ keyspace: 1, key: Buffer.from(name), value: Buffer.from(name), expiresAtMs });
      }
      const seen = async (): Promise<string[]> => {
        const scanned: string[] = [];
        for (let partition = 0; partition < 2 ** partitionBits; partition += 1) {
          for await (const { key } of engine.scan({ keyspace: 1, partition }))
            scanned.push(Buffer.from(key).toString());
        }
        const got = await Promise.all(Object.keys(times).map((name) => engine.get(1, Buffer.from(name))));
        const names = got.flatMap((record) => (record === undefined ? [] : [Buffer.from(record.value).toString()]));
        expect(names.toSorted()).toEqual(scanned.toSorted());
        return names;
      };
      await setTimeout(soon - Date.now() + 50);
      expect(await seen()).toEqual(['never', 'later']);
      const blocks = await blocksOf(engine.snapshot());
      const { engine: copy } = await restoreSnapshot(
        { device: 'memory:', sizeBytes: 16 * 1024 * 1024 },
        chunks(blocks),
      );
      expect(await copy.get(1, Buffer.from('later'))).toBeDefined();
      expect(await copy.get(1, Buffer.from('passed'))).toBeUndefined();
      await copy.close();
      expect(engine.stats().expired).toBe(0);
    }
    await using engine = await openEngine(config);
    expect((await engine.get(1, Buffer.from('passed')))?.expiresAtMs).toBe(passed);
  } finally {
    await rm(directory, { recursive: true });
  }
});
