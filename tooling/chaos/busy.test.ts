import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { busyShare } from './busy.ts';

const program = new URL('busy-process.ts', import.meta.url);

it('a busy process ends by itself when its time is over', async () => {
  const [code] = (await once(fork(program, ['50', '0.2']), 'exit')) as [number | null];
  expect(code).toBe(0);
});

it('a busy process ends with whoever started it', async () => {
  const child = fork(program, ['50', '60']);
  const ended = once(child, 'exit') as Promise<[number | null]>;
  await once(child, 'spawn');
  child.disconnect();
  expect((await ended)[0]).toBe(0);
});

it('tells which share of the time between two looks the processor was used', () => {
  expect(busyShare({ busy: 100, all: 1_000 }, { busy: 190, all: 1_100 })).toBeCloseTo(0.9);
});
