import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEngine } from '../src/index.ts';

const sizeBytes = 64 * 1024 * 1024;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-workers-'));
});
afterEach(() => rm(directory, { recursive: true }));

function start(device: string, until: 'done' | 'terminated'): Worker {
  return new Worker(new URL('./programs/worker.ts', import.meta.url), {
    execArgv: ['--conditions=@ferrite/source'],
    workerData: { device, until },
  });
}

it('works in several worker threads at once, each with engines of its own', async () => {
  await using here = await openEngine({ device: 'memory:', sizeBytes });
  const workers = ['memory:', 'memory:', `file:${join(directory, 'a')}`].map((device) => start(device, 'done'));
  const messages = await Promise.all(workers.map((worker) => once(worker, 'message')));
  expect(messages).toEqual([[1000], [1000], [1000]]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  expect(here.stats().records).toBe(0);
});

it('survives the termination of a worker with operations in flight, and its image stays whole', async () => {
  const device = `file:${join(directory, 'image')}`;
  for (let round = 0; round < 3; round += 1) {
    const worker = start(device, 'terminated');
    expect(await once(worker, 'message')).toEqual([1000]);
    await worker.terminate();
    await using engine = await openEngine({ device, sizeBytes });
    expect(engine.report).toMatchObject({ clean: true, damaged: [] });
    expect(engine.report.records).toBeGreaterThanOrEqual(1000);
  }
});
