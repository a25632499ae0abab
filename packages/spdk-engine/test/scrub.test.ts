import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DamageReport, type Engine, openEngine } from '../src/index.ts';
import { runProgram } from './run-program.ts';

const sizeBytes = 64 * 1024 * 1024;
const RECORDS = 300;
let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-scrub-'));
  path = join(directory, 'image');
});
afterEach(() => rm(directory, { recursive: true }));

const key = (n: number): Buffer => Buffer.from(`key ${n}`);
const value = (n: number): Buffer => Buffer.from(`the value of ${n}.`.padEnd(500, '.'));

async function filled(): Promise<Engine> {
  const engine = await openEngine({ device: `file:${path}`, sizeBytes });
  for (let n = 0; n < RECORDS; n += 1) engine.append({ keyspace: 1, key: key(n), value: value(n) });
  await engine.flush();
  return engine;
}

/** Changes one byte of the value of a record, wherever the image has it. */
async function hurt(n: number): Promise<void> {
  const image = await readFile(path);
  const file = await open(path, 'r+');
  for (let at = image.indexOf(`the value of ${n}.`); at >= 0; at = image.indexOf(`the value of ${n}.`, at + 1)) {
    await file.write(Buffer.from('T'), 0, 1, at);
  }
  await file.close();
}

async function take(reports: AsyncGenerator<DamageReport>, count: number): Promise<DamageReport[]> {
  const taken: DamageReport[] = [];
  while (taken.length < count) {
    const next = await reports.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

const named = (n: number, source: string): object => ({
  keyspace: 1,
  key: new Uint8Array(key(n)),
  reason: 'CHECKSUM_MISMATCH',
  source,
});

it('finds what was damaged, names it to every consumer, and leaves the rest readable', async () => {
  await using engine = await filled();
  const consumers = [engine.damage(), engine.damage()];
  const waiting = consumers.map((each) => take(each, 2));
  await hurt(7);
  await hurt(42);
  const seen: number[] = [];
  const progress = await engine.scrub({ bytesPerSecond: 2 ** 30, onProgress: ({ bytes }) => seen.push(bytes) });
  expect(progress).toMatchObject({ running: false, damagedRecords: 2 });
  expect(progress.bytes).toBe(progress.bytesTotal);
  expect(progress.bytes).toBeGreaterThan(RECORDS * 500);
  expect(progress.finishedAtMs).toBeGreaterThanOrEqual(progress.startedAtMs);
  expect(seen.at(-1)).toBe(progress.bytes);
  for (const reports of await Promise.all(waiting)) {
    expect(reports).toHaveLength(2);
    expect(reports).toEqual(
      expect.arrayContaining([expect.objectContaining(named(7, 'scrub')), expect.objectContaining(named(42, 'scrub'))]),
    );
  }
  for (const n of [7, 42]) {
    await expect(engine.get(1, key(n))).rejects.toMatchObject({ reason: 'CHECKSUM_MISMATCH' });
  }
  for (let n = 0; n < RECORDS; n += 1 + Number(n === 6 || n === 41)) {
    expect(Buffer.from((await engine.get(1, key(n)))?.value ?? [])).toEqual(value(n));
  }
  for (const each of consumers) await each.return();
});

it('names what a read or opening found, also to whoever listens only later', async () => {
  const engine = await filled();
  await hurt(3);
  await expect(engine.get(1, key(3))).rejects.toMatchObject({ reason: 'CHECKSUM_MISMATCH' });
  const reports = engine.damage();
  expect(await take(reports, 1)).toMatchObject([named(3, 'read')]);
  const after = reports.next();
  await engine.close();
  expect(await after).toEqual({ done: true, value: undefined });

  // The key of what opening found in the log is not known to it, only the partition.
  await rm(path);
  const second = await filled();
  await second.close();
  await hurt(5);
  await using reopened = await openEngine({ device: `file:${path}`, sizeBytes });
  expect(await take(reopened.damage(), reopened.report.damaged.length)).toMatchObject(
    reopened.report.damaged.map(({ keyspace, partition }) => ({ keyspace, partition, source: 'open' })),
  );
});

it('can be stopped, is one at a time, and ends with the engine', async () => {
  const engine = await filled();
  const slow = { bytesPerSecond: 4096 };
  const stop = new AbortController();
  const first = engine.scrub({ ...slow, signal: stop.signal });
  await expect(engine.scrub(slow)).rejects.toMatchObject({ reason: 'OVERLOADED' });
  stop.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
  await expect(engine.scrub({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  const last = engine.scrub(slow);
  await Promise.all([expect(last).rejects.toMatchObject({ reason: 'SHUTTING_DOWN' }), engine.close()]);
  await expect(engine.scrub()).rejects.toMatchObject({ reason: 'SHUTTING_DOWN' });
  expect(await engine.damage().next()).toEqual({ done: true, value: undefined });
});

it.each([0, 100, 1.5, Number.NaN, -1])('refuses a rate of %d', async (bytesPerSecond) => {
  await using engine = await openEngine({ device: 'memory:', sizeBytes });
  await expect(engine.scrub({ bytesPerSecond })).rejects.toMatchObject({ reason: 'ARGUMENT_INVALID' });
});

it('keeps no process alive by listening', async () => {
  expect(await runProgram('listen-for-damage', `file:${path}`)).toEqual({
    code: 0,
    signal: null,
    output: 'listening\n',
  });
});
