import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Engine, openEngine, restoreSnapshot, snapshotToFile, verifySnapshot } from '../src/index.ts';
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
let engine: Engine;
let model: WriteModel;
const at = (name: string): string => join(directory, name);
const target = (): { device: string; sizeBytes: number } => ({ device: `file:${at('copy')}`, sizeBytes: 64 * MiB });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-restore-'));
  engine = await openEngine({ device: 'memory:', sizeBytes: 128 * MiB, partitionBits });
  model = new WriteModel(engine);
  await model.writeMany(2000);
});
afterEach(async () => {
  await engine.close();
  await rm(directory, { recursive: true });
});

describe('a restore', () => {
  it('that a kill cut short leaves an image that is refused, until restoring again completes it', async () => {
    const { sequence } = await snapshotToFile(engine, at('full'));
    const blocks = await blocksOf(chunks([await readFile(at('full'))]));
    await writeFile(at('part'), blocks[0]?.subarray(0, 1.5 * MiB) ?? '');
    const program = fileURLToPath(new URL('programs/restore-and-hang.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=@ferrite/source', program, target().device, at('part')]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await expect(openEngine({ ...target(), partitionBits })).rejects.toThrow(/CONFIG_INVALID.*unfinished restore/);
    const restored = await restoreSnapshot(target(), at('full'));
    expect(differences(await contentOf(restored.engine), model.at(sequence))).toEqual([]);
    await restored.engine.close();
    await using again = await openEngine({ ...target(), partitionBits });
    expect(differences(await contentOf(again), model.at(sequence))).toEqual([]);
  }, 30_000);

  it('of an increment that was cut short is completed by restoring the increment again', async () => {
    const base = await snapshotToFile(engine, at('full'));
    await model.writeMany(1500);
    const increment = await snapshotToFile(engine, at('increment'), { since: base.sequence });
    await (await restoreSnapshot(target(), at('full'))).engine.close();
    const bytes = await readFile(at('increment'));
    await expect(restoreSnapshot(target(), chunks([bytes.subarray(0, bytes.length - 9)]))).rejects.toThrow(
      /CHECKSUM_MISMATCH.*ends before its trailer/,
    );
    await expect(openEngine({ ...target(), partitionBits })).rejects.toThrow(/CONFIG_INVALID/);
    const restored = await restoreSnapshot(target(), at('increment'));
    expect(differences(await contentOf(restored.engine), model.at(increment.sequence))).toEqual([]);
    await restored.engine.close();
  });

  it('refuses an image that holds records, and an increment on anything but its base', async () => {
    const base = await snapshotToFile(engine, at('full'));
    await model.writeMany(64);
    await snapshotToFile(engine, at('increment'), { since: base.sequence });
    const blank = { ...target(), partitionBits };
    await expect(restoreSnapshot(blank, at('increment'))).rejects.toThrow(/CONFIG_INVALID.*builds on \(sequence/);
    await (await restoreSnapshot(blank, at('full'))).engine.close();
    await expect(restoreSnapshot(blank, at('full'))).rejects.toThrow(/CONFIG_INVALID.*holds \d+ records/);
    {
      await using copy = await openEngine(blank);
      await copy.remove(1, Buffer.from('never there')).durable;
    }
    await expect(restoreSnapshot(blank, at('increment'))).rejects.toThrow(/CONFIG_INVALID.*write nothing in between/);
    await using copy = await openEngine(blank);
    expect(copy.report.imageId).not.toBe(base.imageId);
  });

  it('of a restored image carries no mark of where that came from', async () => {
    await using first = await restoredInMemory(engine.snapshot());
    const report = await verifySnapshot(first.snapshot());
    expect(report.records).toBe((await contentOf(engine)).size);
    await using second = await restoredInMemory(first.snapshot());
    expect(differences(await contentOf(second), await contentOf(engine))).toEqual([]);
    expect(second.stats().records).toBe(first.stats().records);
  });

  it('into too small an image fails as full and leaves it incomplete', async () => {
    const value = new Uint8Array(MiB);
    for (let n = 0; n < 20; n += 1) await engine.append({ keyspace: 9, key: Buffer.from(`${n}`), value }).durable;
    const small = { ...target(), sizeBytes: 20 * MiB, segmentBytes: 4 * MiB };
    await expect(restoreSnapshot(small, engine.snapshot())).rejects.toThrow(/DEVICE_FULL/);
    await expect(openEngine({ ...small, partitionBits })).rejects.toThrow(/CONFIG_INVALID.*unfinished restore/);
    await blocksOf(engine.snapshot());
  });
});
