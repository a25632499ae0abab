import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../src/index.ts';
import { runProgram } from './run-program.ts';

const sizeBytes = 64 * 1024 * 1024;
let directory: string;
let device: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-lifecycle-'));
  device = `file:${join(directory, 'image')}`;
});
afterEach(() => rm(directory, { recursive: true }));

describe('a process', () => {
  it.each(['exit', 'close', 'opening'])('may end with operations in flight (%s)', async (way) => {
    for (const where of ['memory:', device]) {
      expect(await runProgram('exit-in-flight', where, way)).toEqual({ code: 0, signal: null, output: 'submitted\n' });
    }
    // To the engine process.exit() is a crash: what was acknowledged is there, and the rest is whole or absent.
    await using engine = await openEngine({ device, sizeBytes });
    expect(engine.report.damaged).toEqual([]);
    expect(engine.report.records).toBeLessThanOrEqual(500);
  });

  it('stays until its appends are durable, and not because of an idle engine', async () => {
    expect(await runProgram('fall-off-the-end', device)).toEqual({ code: 0, signal: null, output: 'durable\n' });
    await using engine = await openEngine({ device, sizeBytes });
    expect(engine.report).toMatchObject({ clean: true, records: 1 });
  });
});

describe('an engine', () => {
  it('that nobody refers to any more is closed by the garbage collector', async () => {
    const { output, code } = await runProgram('drop-without-close', device);
    expect({ output, code }).toEqual({ output: 'clean true, records 5\n', code: 0 });
  });

  it('closes however often and early it is asked to', async () => {
    const engine = await openEngine({ device, sizeBytes });
    const appended = engine.append({ keyspace: 1, key: Buffer.from('k'), value: Buffer.from('v') });
    const closing = [engine.close(), engine.close(), engine[Symbol.asyncDispose]()];
    await Promise.all([...closing, appended.durable]);
    await engine.close();
    expect(() => engine.stats()).toThrow(/SHUTTING_DOWN/);
  });

  it('is not opened when the signal is aborted, before or meanwhile', async () => {
    const reason = new Error('changed my mind');
    await expect(openEngine({ device, sizeBytes }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const opening = openEngine({ device, sizeBytes }, { signal: controller.signal });
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    await using engine = await openEngine({ device, sizeBytes });
    expect(engine.report.clean).toBe(true);
  });
});
