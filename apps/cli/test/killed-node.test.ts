import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalCluster, startLocalCluster } from '../../node-server/test/local-cluster.ts';

const FILES = 1500;
const MAIN = new URL('../src/main.ts', import.meta.url).pathname;

let cluster: LocalCluster;
let directory: string;
beforeAll(async () => {
  cluster = await startLocalCluster();
  directory = mkdtempSync(join(tmpdir(), 'ferrite-files-'));
  for (let index = 0; index < FILES; index++) {
    const folder = join(directory, `d${index % 10}`);
    mkdirSync(folder, { recursive: true });
    const bytes = createHash('shake256', { outputLength: (index * 977) % 40_000 })
      .update(`${index}`)
      .digest();
    writeFileSync(join(folder, `f${index}`), bytes);
  }
  writeFileSync(join(directory, 'largest'), Buffer.alloc(8 * 1024 * 1024, 'x'));
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  /** Resolves when standard error has said something. */
  readonly spoke: Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

/** `ferrite` as a process of its own. */
function ferrite(...args: string[]): Run {
  const env = { ...process.env, FERRITE_SERVER: cluster.nodes.map((node) => node.url).join(',') };
  const child = spawn(process.execPath, ['--conditions=@ferrite/source', MAIN, ...args], { env });
  const spoke = Promise.withResolvers<void>();
  let [out, err] = ['', ''];
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    err += part;
    spoke.resolve();
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, out, err })),
  );
  return { child, spoke: spoke.promise, ended };
}

test('an import survives the death of a node in the middle, and nothing is stored twice', async () => {
  const victim = cluster.nodes[1];
  const importing = ferrite('import', directory, '--keyspace', 'files');
  await importing.spoke;
  // The keyspace exists, so files are on their way: a real pause, since a real process is to die in the middle of them.
  await new Promise((resolve) => setTimeout(resolve, 400));
  await victim?.stop('SIGKILL');
  expect(importing.child.exitCode).toBeNull();

  expect(await importing.ended).toMatchObject({ code: 0, out: expect.stringContaining('1,501 files') });
  expect(await ferrite('verify', directory, '--keyspace', 'files').ended).toMatchObject({ code: 0, err: '' });

  await victim?.start();
  const again = await ferrite('import', directory, '--keyspace', 'files').ended;
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('0 not imported') });
  const scan = await ferrite('scan', '--keyspace', 'files', '--values', '--json').ended;
  const records = scan.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { siblings: unknown[] });
  expect(records.length).toBe(FILES + 1);
  expect(records.filter(({ siblings }) => siblings.length !== 1)).toEqual([]);
  expect(await ferrite('verify', directory, '--keyspace', 'files').ended).toMatchObject({ code: 0, err: '' });
});
