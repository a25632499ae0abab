import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('shows an example that runs as it stands', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n([^`]*)```/.exec(readme)?.[1] ?? '';
  const directory = await mkdtemp(join(tmpdir(), 'ferrite-readme-'));
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--conditions=@ferrite/source',
        '--input-type=module-typescript',
        '--eval',
        example.replace('file:data.img', `file:${join(directory, 'data.img')}`),
      ],
      { cwd: fileURLToPath(new URL('..', import.meta.url)) },
    );
    expect(stdout).toContain('world');
  } finally {
    await rm(directory, { recursive: true });
  }
});
