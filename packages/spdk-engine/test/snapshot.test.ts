import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine, restoreSnapshot, snapshotToFile, verifySnapshot } from '../src/index.ts';
import {
  blocksOf,
  chunks,
  contentOf,
  differences,
  partitionBits,
  restoredInMemory,
  WriteModel,
} from './snapshot-model.ts';

const MiB = 1024 * 1024;
let directory: string;
const at = (name: string): string => join(directory, name);
const image = (name: string, sizeBytes = 128 * MiB) => ({
  device: `file:${at(name)}`,
  sizeBytes,
  partitionBits,
  segmentBytes: 2 * MiB,
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-snapshot-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('a snapshot', () => {
  it('holds exactly what was written up to its sequence, though writers go on and the reader is slow', async () => {
    await using engine = await openEngine(image('live'));
    const model = new WriteModel(engine);
    await model.writeMany(6000);
    const writers = model.run(8);
    const blocks = await blocksOf(engine.snapshot(), () => sleep(5));
    const report = await verifySnapshot(chunks(blocks));
    await sleep(20);
    await writers.stop();
    expect(engine.report.nextSequence + 6016).toBeLessThan(report.sequence);
    expect(Math.max(...blocks.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(MiB + 64);
    await using copy = await restoredInMemory(chunks(blocks));
    expect(differences(await contentOf(copy), model.at(report.sequence))).toEqual([]);
    expect(differences(await contentOf(engine), model.at(report.sequence))).not.toEqual([]);
  }, 60_000);

  it('and three increments on it are the live image', async () => {
    await using engine = await openEngine(image('live'));
    const model = new WriteModel(engine);
    const target = { ...image('copy', 96 * MiB), segmentBytes: 4 * MiB, driver: 'pool' as const, partitionBits: 6 };
    await model.writeMany(4000);
    let since = 0;
    for (const step of [0, 1, 2, 3]) {
      const writers = model.run(4);
      const report = await snapshotToFile(engine, at(`${step}`), { since });
      await writers.stop();
      const restored = await restoreSnapshot(target, at(`${step}`));
      expect(restored.report).toEqual(report);
      expect(report).toMatchObject({ baseSequence: since, imageId: engine.report.imageId, damaged: [] });
      expect(differences(await contentOf(restored.engine), model.at(report.sequence))).toEqual([]);
      await restored.engine.close();
      since = report.sequence;
      await model.writeMany(500);
    }
    const last = await snapshotToFile(engine, at('last'), { since });
    expect(last.records).toBeLessThan(600);
    const { engine: copy } = await restoreSnapshot(target, at('last'));
    expect(differences(await contentOf(copy), await contentOf(engine))).toEqual([]);
    await copy.close();
  }, 60_000);

  it('of an empty engine restores an empty engine', async () => {
    await using engine = await openEngine({ device: 'memory:', sizeBytes: 64 * MiB });
    const blocks = await blocksOf(engine.snapshot());
    expect(await verifySnapshot(chunks(blocks))).toMatchObject({ records: 0, bytes: 0, sequence: 0, damaged: [] });
    await using copy = await restoredInMemory(chunks(blocks));
    expect(await contentOf(copy)).toEqual(new Map());
  });

  it('carries values of 0 B and 8 MiB, generations, expiries and many keyspaces', async () => {
    await using engine = await openEngine({ device: 'memory:', sizeBytes: 256 * MiB, partitionBits: 2 });
    const large = new Uint8Array(8 * MiB).fill(7);
    const key = Buffer.from('k');
    for (let keyspace = 0; keyspace < 300; keyspace += 1) {
      const value = keyspace < 6 ? large : new Uint8Array(keyspace % 2);
      const expiresAtMs = keyspace * 2 ** 33;
      await engine.append({ keyspace, key, value, generation: keyspace * 3, expiresAtMs }).durable;
    }
    await using copy = await restoredInMemory(engine.snapshot());
    for (let keyspace = 0; keyspace < 300; keyspace += 1) {
      const record = await copy.get(keyspace, key);
      expect(record).toMatchObject({ generation: keyspace * 3, expiresAtMs: keyspace * 2 ** 33 });
      expect(Buffer.compare(record?.value ?? key, keyspace < 6 ? large : new Uint8Array(keyspace % 2))).toBe(0);
    }
  }, 60_000);

  it('is taken one at a time, and gives way when the reader or the signal ends it', async () => {
    await using engine = await openEngine({ device: 'memory:', sizeBytes: 64 * MiB, partitionBits });
    const model = new WriteModel(engine);
    await model.writeMany(2000);
    const first = engine.snapshot();
    await first.next();
    await expect(engine.snapshot().next()).rejects.toThrow(/OVERLOADED.*another snapshot/);
    await first.return(undefined as never);
    const reason = new Error('enough');
    const controller = new AbortController();
    const aborted = blocksOf(
      engine.snapshot({ signal: controller.signal, onProgress: () => controller.abort(reason) }),
    );
    await expect(aborted).rejects.toBe(reason);
    const report = await snapshotToFile(engine, at('whole'));
    expect(await readdir(directory)).toEqual(['whole']);
    expect(await verifySnapshot(at('whole'))).toEqual(report);
    await expect(
      snapshotToFile(engine, at('none'), {
        onProgress: () => {
          throw reason;
        },
      }),
    ).rejects.toBe(reason);
    expect(await readdir(directory)).toEqual(['whole']);
    await expect(blocksOf(engine.snapshot({ since: report.sequence + 1 }))).rejects.toThrow(/ARGUMENT_INVALID/);
    expect(await blocksOf(engine.snapshot({ since: report.sequence }))).toHaveLength(3);
  });

  it('names the partitions of records it cannot read, and holds all others', async () => {
    const config = image('live', 64 * MiB);
    {
      await using engine = await openEngine(config);
      for (let n = 0; n < 50; n += 1) {
        await engine.append({
          keyspace: 1,
          key: Buffer.from(`key ${n}`),
          value: Buffer.from(`value ${n} `.repeat(100)),
        }).durable;
      }
    }
    const bytes = await readFile(at('live'));
    bytes.write('damage', bytes.indexOf('value 17 value'));
    await writeFile(at('live'), bytes);
    await using engine = await openEngine(config);
    const blocks = await blocksOf(engine.snapshot());
    const report = await verifySnapshot(chunks(blocks));
    expect(report.records).toBe(49);
    expect(report.damaged).toHaveLength(1);
    const partition = report.damaged[0]?.partition ?? -1;
    expect(await engine.scanPage({ keyspace: 1, partition })).toMatchObject({ damaged: 1 });
  });
});
