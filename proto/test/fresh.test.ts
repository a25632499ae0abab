import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const buf = join(root, 'node_modules/.bin/buf');
const scratch = mkdtempSync(join(tmpdir(), 'ferrite-proto-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** Runs the pinned buf with the plugin of this package first in PATH. */
function runBuf(...args: string[]): string {
  const path = `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`;
  return execFileSync(buf, args, { cwd: root, env: { ...process.env, PATH: path }, encoding: 'utf8' });
}

describe('the schemas', () => {
  it('generate exactly the code that is committed', () => {
    runBuf('generate', '--output', scratch);
    const fresh = join(scratch, 'gen');
    const committed = join(root, 'gen');
    expect(files(committed)).toEqual(files(fresh));
    for (const file of files(fresh)) {
      expect(readFileSync(join(committed, file), 'utf8'), file).toBe(readFileSync(join(fresh, file), 'utf8'));
    }
  }, 60_000);

  it('pass the lint rules', () => {
    expect(runBuf('lint')).toBe('');
  });

  it('break nothing that the main branch promised', ({ skip }) => {
    let against: string;
    try {
      against = execFileSync('git', ['rev-parse', '--show-toplevel'], { cwd: root, encoding: 'utf8' }).trim();
      execFileSync('git', ['cat-file', '-e', 'HEAD:proto/buf.yaml'], { cwd: root });
    } catch {
      return skip('not a git checkout with committed schemas, so there is nothing to compare with');
    }
    expect(runBuf('breaking', '--against', `${against}/.git#ref=HEAD,subdir=proto`)).toBe('');
  });
});
