import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, spawnOwned } from './peers/program.ts';

const PROGRAM = fileURLToPath(new URL('../../../apps/node-server/bin/ferrite-node.js', import.meta.url));
const READY_WITHIN_MS = 60_000;

/** Real nodes, a process each, that are a cluster. */
export interface NodeProcesses extends AsyncDisposable {
  readonly pids: readonly number[];
  /** URLs of their RPC ports. */
  readonly servers: readonly string[];
  /** Stops a node cleanly, or with SIGKILL and its image deleted, and starts it again. Resolves when it is ready. */
  restart(at: number, how: 'clean' | 'wiped'): Promise<void>;
}

/** Starts so many `ferrite-node`s on free ports with their images below `directory`, and waits until all are ready. */
export async function openNodeProcesses(directory: string, count: number): Promise<NodeProcesses> {
  const data = join(directory, 'nodes');
  mkdirSync(data);
  const ports = await Promise.all(Array.from({ length: 3 * count }, freePort));
  const address = (at: number): string => `127.0.0.1:${ports[at]}`;
  const members = Array.from({ length: count }, (_, at) => ({
    id: `n${at + 1}`,
    host: `h${at + 1}`,
    rpc: address(3 * at),
    fabric: address(3 * at + 1),
  }));
  await using opened = new AsyncDisposableStack();
  const image = (id: string): string => join(data, `${id}.img`);
  const start = (at: number): StartedNode => {
    const { id, host, rpc, fabric } = members[at]!;
    const config = {
      node: { id, host },
      listen: { rpc, fabric, metrics: address(3 * at + 2) },
      storage: { device: `file:${image(id)}`, size: '16GiB' },
      cluster: { topology: `file:${data}`, form: members },
      telemetry: { log: 'warn' },
    };
    return startNode(join(data, id), config);
  };
  const nodes = members.map((_, at) => start(at));
  opened.defer(async () => void (await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))));
  await Promise.all(nodes.map((node) => node.ready()));
  const running = opened.move();
  return {
    get pids() {
      return nodes.map(({ pid }) => pid);
    },
    servers: members.map(({ rpc }) => `http://${rpc}`),
    async restart(at, how) {
      await nodes[at]!.end(how === 'clean' ? 'SIGTERM' : 'SIGKILL');
      if (how === 'wiped') rmSync(image(members[at]!.id));
      nodes[at] = start(at);
      await nodes[at].ready();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface StartedNode extends AsyncDisposable {
  readonly pid: number;
  ready(): Promise<void>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** @param files where the node's configuration and its log go, without the ending */
function startNode(files: string, config: { readonly listen: { readonly metrics: string } }): StartedNode {
  // JSON is YAML.
  writeFileSync(`${files}.yaml`, JSON.stringify(config));
  const log = openSync(`${files}.log`, 'a');
  const child = spawnOwned(PROGRAM, ['--config', `${files}.yaml`], ['ignore', log, log]);
  closeSync(log);
  const gone = once(child, 'exit');
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (child.exitCode === null) child.kill(signal);
    await gone;
  };
  return {
    pid: child.pid ?? 0,
    async ready() {
      const deadline = Date.now() + READY_WITHIN_MS;
      while (!(await isReady(`http://${config.listen.metrics}/readyz`))) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`a node is not ready:\n${readFileSync(`${files}.log`, 'utf8').slice(-2000)}`);
        await sleep(50);
      }
    },
    end,
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
