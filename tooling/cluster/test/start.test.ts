import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

// Real nodes from dist/: `npm test` builds them first.
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const PORT_BASE = 10_000 + (process.pid % 20_000);
const wait = { timeout: 60_000, interval: 50 };

let data = '';
let running: Start[] = [];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'ferrite-start-'));
  running = [];
});
afterEach(async () => {
  for (const start of running) await start.stop('SIGTERM');
  for (const name of ['n1', 'n2', 'n3', 'admin']) end(pidOf(name));
  rmSync(data, { recursive: true });
});

/** One `npm start` after its set-up. */
class Start {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  output = '';

  constructor(...args: string[]) {
    const all = ['--conditions=@ferrite/source', MAIN, '--data', data, ...args];
    this.process = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += String(chunk);
      });
    }
    this.exit = new Promise((resolve) => this.process.once('exit', resolve));
    running.push(this);
  }

  ready(): Promise<void> {
    return vi.waitFor(() => {
      if (!/^ferrite: ready$/m.test(this.output)) throw new Error(`not ready: ${this.output}`);
    }, wait);
  }

  async stop(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.process.kill(signal);
    return await this.exit;
  }
}

const start = (...args: string[]): Start => new Start('--port-base', String(PORT_BASE), ...args);

function pidOf(name: string): number | undefined {
  const path = join(data, `${name}.pid`);
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined;
}

function end(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

async function call(port: number, method: string, message: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${PORT_BASE + port}/ferrite.kv.v1.KvService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
  return (await response.json()) as Record<string, unknown>;
}

describe('npm start', () => {
  it('serves, restarts a killed node, stops cleanly and finds its data again', async () => {
    const first = start();
    await first.ready();
    for (const port of [0, 1, 2, 3]) expect(first.output).toContain(`http://127.0.0.1:${PORT_BASE + port}`);
    expect(await call(1, 'Put', { key: 'aGVsbG8=', value: 'd29ybGQ=' })).toMatchObject({ context: expect.any(String) });

    const killed = pidOf('n2');
    end(killed);
    await vi.waitFor(() => expect(pidOf('n2') ?? killed).not.toBe(killed), wait);
    expect(first.output).toContain('n2 was ended by SIGKILL; it is started again');
    expect(await first.stop('SIGINT')).toBe(0);
    expect(pidOf('n1')).toBeUndefined();
    expect(pidOf('supervisor')).toBeUndefined();

    const second = start();
    await second.ready();
    expect(await call(2, 'Get', { key: 'aGVsbG8=' })).toMatchObject({ siblings: [{ value: 'd29ybGQ=' }] });
  });

  it('grows by a larger --nodes on existing data', async () => {
    const small = start('--nodes', '1');
    await small.ready();
    await call(1, 'Put', { key: 'aGVsbG8=', value: 'd29ybGQ=' });
    expect(await small.stop('SIGTERM')).toBe(0);

    const large = start('--nodes', '3');
    await large.ready();
    expect(large.output).toMatch(/n2 joins\n.*n3 joins/);
    const holders = async (): Promise<number> => {
      const url = `http://127.0.0.1:${PORT_BASE + 1}/ferrite.kv.v1.TopologyService/GetTopology`;
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
      const { partitions } = (await answer.json()) as {
        readonly partitions: readonly { readonly members: number[] }[];
      };
      return Math.min(...partitions.map(({ members }) => members.length));
    };
    await vi.waitFor(async () => expect(await holders()).toBe(3), wait);
    end(pidOf('n1'));
    await vi.waitFor(
      async () =>
        expect(await call(3, 'Get', { key: 'aGVsbG8=' })).toMatchObject({ siblings: [{ value: 'd29ybGQ=' }] }),
      wait,
    );
    expect(await large.stop('SIGTERM')).toBe(0);
    // The same number again is no change.
    const again = start('--nodes', '3');
    await again.ready();
    expect(again.output).not.toMatch(/joins/);
  }, 180_000);

  it('is refused while another one runs on the same directory', async () => {
    await start().ready();
    const second = start();
    expect(await second.exit).toBe(2);
    expect(second.output).toMatch(/is in use by a running cluster \(process \d+\)/);
  });

  it('explains the nodes that a killed supervisor left, and starts when they are gone', async () => {
    const first = start();
    await first.ready();
    await first.stop('SIGKILL');
    const second = start();
    expect(await second.exit).toBe(2);
    expect(second.output).toContain('still running');
    for (const node of ['n1', 'n2', 'n3']) expect(second.output).toContain(` ${pidOf(node)}`);

    for (const node of ['n1', 'n2', 'n3']) end(pidOf(node));
    const third = start();
    await third.ready();
    expect(third.output).toContain('stopping the admin API that an earlier start left behind');
  });

  it('leaves a dead node down with --no-restart, and the others serve', async () => {
    const cluster = start('--no-restart');
    await cluster.ready();
    end(pidOf('n3'));
    await vi.waitFor(() => expect(cluster.output).toContain('n3 was ended by SIGKILL and stays down'), wait);
    expect(await call(1, 'Put', { key: 'aGVsbG8=', value: 'd29ybGQ=' })).toMatchObject({ context: expect.any(String) });
  });

  it('names a port that is taken', async () => {
    const taken = await new Promise<Server>((resolve) => {
      const server = createServer().listen(PORT_BASE + 102, '127.0.0.1', () => resolve(server));
    });
    try {
      const refused = start();
      expect(await refused.exit).toBe(2);
      expect(refused.output).toContain(`ADDRESS_IN_USE: something else listens on 127.0.0.1:${PORT_BASE + 102}`);
    } finally {
      taken.close();
    }
  });
});
