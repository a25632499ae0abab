import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SafeWriter } from './safe-writer.ts';

let parent: string;
let root: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'ferrite-writer-'));
  root = join(parent, 'out');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const bytes = (text: string): Buffer => Buffer.from(text);
const writerOf = (overwrite = false): SafeWriter => new SafeWriter(bytes(root), overwrite);

test('a value becomes a file with its directories, and nothing else remains', async () => {
  expect(await writerOf().write(bytes('a/b/c'), bytes('value'))).toEqual({ kind: 'written' });
  expect(readFileSync(join(root, 'a/b/c'), 'utf8')).toBe('value');
  expect(readdirSync(root)).toEqual(['a']);
});

test('a directory that is a link is not entered', async () => {
  mkdirSync(root);
  mkdirSync(join(parent, 'outside'));
  symlinkSync(join(parent, 'outside'), join(root, 'link'));
  expect(await writerOf(true).write(bytes('link/file'), bytes('v'))).toMatchObject({ kind: 'refused' });
  expect(readdirSync(join(parent, 'outside'))).toEqual([]);
});

test('a file that is a link is replaced itself, not what it points to', async () => {
  mkdirSync(root);
  writeFileSync(join(parent, 'precious'), 'precious');
  symlinkSync(join(parent, 'precious'), join(root, 'file'));
  expect(await writerOf().write(bytes('file'), bytes('v'))).toMatchObject({ kind: 'refused' });
  expect(await writerOf(true).write(bytes('file'), bytes('v'))).toEqual({ kind: 'written' });
  expect(readFileSync(join(parent, 'precious'), 'utf8')).toBe('precious');
  expect(readFileSync(join(root, 'file'), 'utf8')).toBe('v');
});

test('a file and a directory of one name: the second to come is refused', async () => {
  const writer = writerOf(true);
  await writer.write(bytes('a'), bytes('file'));
  expect(await writer.write(bytes('a/b'), bytes('v'))).toMatchObject({ kind: 'refused' });
  await writer.write(bytes('d/e'), bytes('file'));
  expect(await writer.write(bytes('d'), bytes('v'))).toMatchObject({ kind: 'refused' });
});

test('other content is kept unless it may be overwritten; equal content is left alone', async () => {
  const writer = writerOf();
  await writer.write(bytes('a'), bytes('one'));
  expect(await writer.write(bytes('a'), bytes('one'))).toEqual({ kind: 'unchanged' });
  expect(await writer.write(bytes('a'), bytes('two'))).toMatchObject({ kind: 'refused' });
  expect(readFileSync(join(root, 'a'), 'utf8')).toBe('one');
  expect(await writerOf(true).write(bytes('a'), bytes('two'))).toEqual({ kind: 'written' });
  expect(readFileSync(join(root, 'a'), 'utf8')).toBe('two');
});

test('a refused key creates nothing, not even the directory', async () => {
  expect(await writerOf().write(bytes('../a'), bytes('v'))).toMatchObject({ kind: 'refused' });
  expect(existsSync(root)).toBe(false);
});
