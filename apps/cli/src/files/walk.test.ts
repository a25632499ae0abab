import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FILE_BYTES_MAX } from './limits.ts';
import { type Found, walk } from './walk.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ferrite-walk-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const found = (): Promise<Found> => walk(Buffer.from(root), new AbortController().signal);
const keysOf = ({ files }: Found): string[] => files.map(({ key }) => key.toString());

test('keys are paths relative to the directory, in order', async () => {
  mkdirSync(join(root, 'b/c'), { recursive: true });
  for (const path of ['z', 'b/c/d', 'b/a', '.hidden']) writeFileSync(join(root, path), 'v');
  expect(keysOf(await found())).toEqual(['.hidden', 'b/a', 'b/c/d', 'z']);
});

test('links to files are followed, links to directories and cycles are not, links to nothing are counted', async () => {
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'd/file'), 'value');
  symlinkSync('d/file', join(root, 'to-file'));
  symlinkSync('..', join(root, 'd/up'));
  symlinkSync('nowhere', join(root, 'broken'));
  symlinkSync('loop', join(root, 'loop'));
  const result = await found();
  expect(keysOf(result)).toEqual(['d/file', 'to-file']);
  expect(result.files[1]?.bytes).toBe(5);
  expect(result.skipped).toEqual({ 'link to a directory': 1, 'link to nothing': 2 });
  expect(result.refused).toEqual([]);
});

test('sockets and pipes are skipped and counted', async () => {
  execFileSync('mkfifo', [join(root, 'pipe')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
  try {
    expect(await found()).toEqual({ files: [], refused: [], skipped: { pipe: 1, socket: 1 } });
  } finally {
    server.close();
  }
});

test('a file over 8 MiB and a path over 1 KiB are refused by name, one of just that size is not', async () => {
  for (const [name, size] of [
    ['fits', FILE_BYTES_MAX],
    ['large', FILE_BYTES_MAX + 1],
  ] as const) {
    writeFileSync(join(root, name), '');
    truncateSync(join(root, name), size);
  }
  const deep = Array.from({ length: 5 }, () => 'x'.repeat(204)).join('/');
  mkdirSync(join(root, deep), { recursive: true });
  // Four names of 204 bytes, one of 204, and the four slashes between them: 1,024 bytes.
  const longest = `${deep.slice(0, 819)}/${'y'.repeat(204)}`;
  writeFileSync(join(root, longest), 'v');
  writeFileSync(join(root, deep, 'z'), 'v');
  const result = await found();
  expect(keysOf(result)).toEqual(['fits', longest]);
  expect(result.refused.map(({ key }) => key.toString())).toEqual(['large', `${deep}/z`]);
  expect(result.refused.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('8.0 MiB'),
    expect.stringContaining('1026 bytes'),
  ]);
});

test('names that are no UTF-8 keep their bytes', async () => {
  const name = Buffer.from([0x66, 0xff, 0xfe]);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), 'v');
  expect((await found()).files.map(({ key }) => key)).toEqual([name]);
});

test('a directory that does not exist is a failure', async () => {
  await expect(walk(Buffer.from(join(root, 'absent')), new AbortController().signal)).rejects.toThrow('ENOENT');
});
