import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Child } from './child.ts';

let folder = '';
let said: string[] = [];
let child: Child | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ferrite-child-'));
  said = [];
});
afterEach(async () => {
  await child?.stop(5000);
  rmSync(folder, { recursive: true });
});

/** A real process that runs this script. */
function run(script: string, restart = true): Child {
  child = new Child(
    {
      name: 'n1',
      command: [process.execPath, '-e', script],
      env: process.env,
      logFile: join(folder, 'n1.log'),
      pidFile: join(folder, 'n1.pid'),
      restart,
    },
    (line) => said.push(line),
  );
  child.start();
  return child;
}

const pid = (): number => Number(readFileSync(join(folder, 'n1.pid'), 'utf8'));
const wait = { timeout: 10_000, interval: 20 };

describe('a supervised process', () => {
  it('is started again after it was killed, with a message', async () => {
    run('setInterval(() => {}, 1000)').cameUp = true;
    const first = pid();
    process.kill(first, 'SIGKILL');
    await vi.waitFor(() => {
      expect(pid()).not.toBe(first);
    }, wait);
    expect(said).toEqual([expect.stringMatching(/^n1 was ended by SIGKILL; it is started again in 0.5 s/)]);
  });

  it('stays down after exit code 3, with the last thing it said', async () => {
    const node = run('console.error("ferrite-node: DEVICE_FAILED: it broke"); process.exit(3)');
    node.cameUp = true;
    await vi.waitFor(() => expect(node.ended).toBe(3), wait);
    expect(said).toEqual(['n1 ended with exit code 3 and stays down: DEVICE_FAILED: it broke']);
    expect(existsSync(join(folder, 'n1.pid'))).toBe(false);
  });

  it('stays down when restarting is off', async () => {
    const node = run('setInterval(() => {}, 1000)', false);
    node.cameUp = true;
    process.kill(pid(), 'SIGKILL');
    await vi.waitFor(() => expect(node.ended).toBe('SIGKILL'), wait);
  });

  it('stays down when its configuration was wrong from the start', async () => {
    const node = run('process.exit(2)');
    await vi.waitFor(() => expect(node.ended).toBe(2), wait);
  });

  it('is given up after three starts in vain', async () => {
    const node = run('process.exit(1)');
    await vi.waitFor(() => expect(node.ended).toBe(1), wait);
    expect(said).toHaveLength(3);
  });

  it('is killed when it does not stop in time', async () => {
    const node = run('process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)');
    await vi.waitFor(() => expect(readFileSync(join(folder, 'n1.log'), 'utf8')).toBe('up\n'), wait);
    await node.stop(200);
    expect(said).toEqual([expect.stringContaining('did not stop within 0.2 s and is killed')]);
  });
});
