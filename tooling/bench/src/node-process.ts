import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, spawnOwned } from './peers/program.ts';

const MAIN = fileURLToPath(new URL('../../../apps/node-server/dist/main.js', import.meta.url));
const READY_WITHIN_MS = 60_000;

/** Real nodes, a process each, that are a cluster. */
export interface NodeProcesses extends AsyncDisposable {
  readonly pids: readonly number[];
  /** URLs of their RPC ports. */
  readonly servers: readonly string[];
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
  const started = members.map((member, at) => {
    const { id, host, rpc, fabric } = member;
    const config = {
      node: { id, host },
      listen: { rpc, fabric, metrics: address(3 * at + 2) },
      storage: { device: `file:${join(data, `${id}.img`)}`, size: '16GiB' },
      cluster: { topology: `file:${data}`, form: members },
      telemetry: { log: 'warn' },
    };
    return opened.use(startNode(join(data, id), config));
  });
  await Promise.all(started.map((node) => node.ready()));
  const running = opened.move();
  return {
    pids: started.map(({ pid }) => pid),
    servers: members.map(({ rpc }) => `http://${rpc}`),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface StartedNode extends AsyncDisposable {
  readonly pid: number;
  ready(): Promise<void>;
}

/** @param files where the node's configuration and its log go, without the ending */
function startNode(files: string, config: { readonly listen: { readonly metrics: string } }): StartedNode {
  // JSON is YAML.
  writeFileSync(`${files}.yaml`, JSON.stringify(config));
  const log = openSync(`${files}.log`, 'a');
  const child = spawnOwned(process.execPath, [MAIN, '--config', `${files}.yaml`], ['ignore', log, log]);
  closeSync(log);
  const gone = once(child, 'exit');
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
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill('SIGTERM');
      await gone;
    },
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
