import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environment } from './environment.mjs';
import { hashOf } from './stamp.mjs';
import { missingPackages } from './system-packages.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface SystemPackage {
  readonly name: string;
  readonly for: string;
  readonly have: readonly string[];
  readonly why: string;
  /** The build goes without it, too. */
  readonly optional?: true;
}
const list = (): readonly SystemPackage[] =>
  JSON.parse(readFileSync(new URL('system-packages.json', import.meta.url), 'utf8')) as readonly SystemPackage[];

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ferrite-checkout-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a checkout that was never built', () => {
  it.each(['ferrite', 'ferrite-node'])('answers npx %s itself, offline, and says what to do first', async (name) => {
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    cpSync(join(ROOT, 'tooling/bin'), join(folder, 'tooling/bin'), { recursive: true });
    const env = { ...environment(), npm_config_offline: 'true', npm_config_cache: join(folder, '.npm') };
    const said = await fails('npx', [name, 'get', 'x'], { cwd: folder, env });
    expect(said).toContain(`${name}: this checkout is not built yet; run npm start first`);
  });
});

describe('the environment of every step', () => {
  it('has nothing of the outer npm in it, and the pinned tools first', () => {
    process.env['npm_config_something'] = 'of the outer npm';
    try {
      const names = Object.keys(environment());
      expect(names.filter((name) => name.startsWith('npm_'))).toEqual([]);
    } finally {
      delete process.env['npm_config_something'];
    }
    expect(environment().PATH).toMatch(/^[^:]*tooling\/bootstrap\/node_modules\/\.bin:/);
  });
});

describe('the stamp of a step', () => {
  it('changes with the content of its files, and counts a missing one', () => {
    const path = join(folder, 'lock');
    const missing = hashOf([path]);
    cpSync(join(ROOT, 'package.json'), path);
    const present = hashOf([path]);
    expect(present).not.toBe(missing);
    expect(hashOf([path])).toBe(present);
  });
});

describe('the list of system packages', () => {
  it('gives every package a purpose, a reason and a way to find it', () => {
    for (const row of list()) {
      expect(row).toMatchObject({ name: expect.any(String), why: expect.stringMatching(/\w/) });
      expect(['setup', 'test', 'check', 'bench']).toEqual(expect.arrayContaining([row.for].flat()));
      for (const have of row.have) expect(have).toMatch(/^(?:command|header|library|file):./);
    }
  });

  it('finds that nothing the build needs is missing on a machine that built it', () => {
    expect(missingPackages(['setup']).filter((row: SystemPackage) => row.optional !== true)).toEqual([]);
  });

  it('looks only at what the command needs', () => {
    expect(missingPackages([])).toEqual([]);
  });
});

/** Runs a program that has to fail, and gives what it printed. */
function fails(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Record<string, string | undefined> },
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) reject(new Error(`${program} did not fail: ${stdout}`));
      else resolve(stdout + stderr);
    });
  });
}
