import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from './run-program.ts';

const MiB = 1024 * 1024;

it('leaves no memory behind after 130,000 operations, nor threads or open files after 20 engines', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ferrite-leak-'));
  try {
    const { output, code } = await runProgram('leak', `file:${join(directory, 'image')}`);
    expect(code).toBe(0);
    const grown: Record<'heap' | 'buffers' | 'native' | 'held', number> = JSON.parse(output);
    expect(grown.heap).toBeLessThan(2 * MiB);
    expect(grown.buffers).toBeLessThan(1 * MiB);
    expect(grown.native).toBeLessThan(8 * MiB);
    expect(grown.held).toBe(0);
  } finally {
    await rm(directory, { recursive: true });
  }
});

it('holds little for a snapshot however slowly it is read, and nothing once it is given up', async () => {
  const { output, code } = await runProgram('snapshot-leak');
  expect(code).toBe(0);
  const grown: Record<'heap' | 'buffers' | 'native' | 'most' | 'last', number> = JSON.parse(output);
  expect(grown.heap).toBeLessThan(1 * MiB);
  expect(grown.buffers).toBeLessThan(1 * MiB);
  expect(grown.native).toBeLessThan(8 * MiB);
  // A page as it was read, and its blocks.
  expect(grown.most).toBeLessThan(24 * MiB);
  expect(grown.last).toBe(1500);
});
