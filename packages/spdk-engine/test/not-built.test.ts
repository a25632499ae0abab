import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = `
  import { openEngine } from './src/index.ts';
  await openEngine({ device: 'memory:', sizeBytes: 2 ** 26 }).catch((error) => console.log(error.reason, error.message));
`;

it('names the command to run where the addon was never built', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'ferrite-not-built-'));
  try {
    const here = fileURLToPath(new URL('..', import.meta.url));
    await cp(join(here, 'src'), join(copy, 'src'), { recursive: true });
    await cp(join(here, 'package.json'), join(copy, 'package.json'));
    await symlink(join(here, 'node_modules'), join(copy, 'node_modules'));
    const args = ['--conditions=@ferrite/source', '--input-type=module-typescript', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: copy });
    expect(stdout).toMatch(/^CONFIG_INVALID .*not built.*npm run setup/);
  } finally {
    await rm(copy, { recursive: true });
  }
});
