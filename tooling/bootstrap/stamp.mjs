// Remembers by content what a step was last done for, so that it is not done twice.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from './environment.mjs';

const path = join(cacheDir, 'setup.json');

/** One hash over these files' contents (a missing file counts as missing) and over what the machine is. */
export function hashOf(files) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of files) hash.update(`\0${file}\0`).update(existsSync(file) ? readFileSync(file) : '-');
  return hash.digest('hex');
}

export function isDone(step, hash) {
  return read()[step] === hash;
}

export function markDone(step, hash) {
  mkdirSync(cacheDir, { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ ...read(), [step]: hash }, null, 2)}\n`);
  renameSync(draft, path);
}

function read() {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
