import { mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Reason, StoreError } from '@ferrite/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EngineConfig, openEngine } from '../src/index.ts';
import { runProgram } from './run-program.ts';

const MiB = 1024 * 1024;
let directory: string;
let path: string;
let config: EngineConfig;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-open-'));
  path = join(directory, 'image');
  config = { device: `file:${path}`, sizeBytes: 64 * MiB, segmentBytes: 4 * MiB };
});
afterEach(() => rm(directory, { recursive: true }));

async function refusal(of: EngineConfig): Promise<StoreError> {
  const error = await openEngine(of).then(
    async (engine) => {
      await engine.close();
      throw new Error(`opened ${of.device}`);
    },
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw error;
  return error;
}

async function imageWith(records: number): Promise<void> {
  await using engine = await openEngine(config);
  for (let n = 0; n < records; n += 1) {
    engine.append({ keyspace: 1, key: Buffer.from(`key ${n}`), value: new Uint8Array(10_000).fill(n) });
  }
}

describe('opening refuses', () => {
  it('an image that is open already, in this process or another, and harms neither', async () => {
    await using engine = await openEngine(config);
    expect(await refusal(config)).toMatchObject({ reason: 'IMAGE_LOCKED', details: { device: config.device } });
    expect(await runProgram('open-once', config.device)).toEqual({ code: 0, signal: null, output: 'IMAGE_LOCKED' });
    await engine.append({ keyspace: 1, key: Buffer.from('k'), value: Buffer.from('v') }).durable;
  });

  it('a truncated image, and takes it again once it has its size back', async () => {
    await imageWith(100);
    const { size } = await stat(path);
    await truncate(path, size / 2);
    expect((await refusal(config)).reason).toBe('DEVICE_TRUNCATED');
    expect((await stat(path)).size).toBe(size / 2);
  });

  it.each(['text', 'noise'])('a file that is no image (%s), and leaves every byte of it alone', async (kind) => {
    const bytes = Buffer.alloc(
      64 * MiB,
      kind === 'text' ? 'not an image\n' : Buffer.from([0x9d, 0x1c, 0xe2, 0x77, 0x05]),
    );
    await writeFile(path, bytes);
    expect(await refusal(config)).toMatchObject({ reason: 'FORMAT_UNKNOWN', effect: 'none' });
    expect(bytes.equals(await readFile(path))).toBe(true);
  });

  it('a missing file when it may not create one', async () => {
    const error = await refusal({ ...config, create: false });
    expect(error.reason).toBe('PATH_NOT_WRITABLE');
    expect(error.details).toEqual({ device: config.device, code: 'ENOENT' });
  });

  it('a directory nobody may write in, naming the path', async () => {
    // Even root may not create files in sysfs.
    const error = await refusal({ ...config, device: 'file:/sys/image' });
    expect(error.reason).toBe('PATH_NOT_WRITABLE');
    expect(error.message).toContain('file:/sys/image: EACCES');
  });

  it.each<[string, Partial<EngineConfig>, Reason]>([
    ['a device of no known kind', { device: 'tape:/dev/st0' }, 'CONFIG_INVALID'],
    ['a device without a path', { device: 'file:' }, 'CONFIG_INVALID'],
    ['a regular file as a block device', { device: 'block:/etc/passwd' }, 'CONFIG_INVALID'],
    ['a size that is no number', { sizeBytes: Number.NaN }, 'CONFIG_INVALID'],
    ['a size too small for any segment', { sizeBytes: 4096 }, 'CONFIG_INVALID'],
    ['segments that are no multiple of a block', { segmentBytes: 1_000_001 }, 'CONFIG_INVALID'],
    ['too many partitions', { partitionBits: 17 }, 'CONFIG_INVALID'],
  ])('%s', async (_, change, reason) => {
    expect((await refusal({ ...config, ...change })).reason).toBe(reason);
  });

  it('another number of partitions than the image was formatted with', async () => {
    await imageWith(1);
    expect((await refusal({ ...config, partitionBits: 4 })).reason).toBe('CONFIG_INVALID');
  });
});

describe('damage on the device', () => {
  it('is an error of the records it hit, never other bytes, and the rest is served', async () => {
    await imageWith(200);
    const image = await readFile(path);
    // One byte of the value of record 100, found by its fill: ten thousand bytes of 100.
    const at = image.indexOf(Buffer.alloc(9000, 100)) + 4500;
    expect(at).toBeGreaterThan(4500);
    const file = await open(path, 'r+');
    await file.write(Buffer.of(101), 0, 1, at);
    await file.close();

    await using engine = await openEngine(config);
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        engine.get(1, Buffer.from(`key ${n}`)).then(
          (record) =>
            record !== undefined && Buffer.compare(record.value, new Uint8Array(10_000).fill(n)) === 0
              ? 'right'
              : 'wrong',
          (error: unknown) => (StoreError.is(error) ? error.reason : 'wrong'),
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'right').length).toBeGreaterThanOrEqual(150);
    expect(outcomes[100]).not.toBe('right');
    expect(outcomes).not.toContain('wrong');
    expect(engine.report.damaged.length).toBeGreaterThan(0);
  });
});
