import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, spawnOwned } from './peers/program.ts';

const MAIN = fileURLToPath(new URL('../../../apps/node-server/dist/main.js', import.meta.url));
const READY_WITHIN_MS = 60_000;

/** A real node that is a cluster by itself. */
export interface NodeProcess extends AsyncDisposable {
  readonly pid: number;
  /** URL of its RPC port. */
  readonly rpc: string;
}

/** Starts `ferrite-node` on free ports with its image below `directory`, and waits until it is ready. */
export async function openNodeProcess(directory: string): Promise<NodeProcess> {
  const data = join(directory, 'node');
  mkdirSync(data);
  const [rpc, fabric, metrics] = await Promise.all([freePort(), freePort(), freePort()]).then((ports) =>
    ports.map((port) => `127.0.0.1:${port}`),
  );
  const config = {
    node: { id: 'n1', host: 'h1' },
    listen: { rpc, fabric, metrics },
    storage: { device: `file:${join(data, 'n1.img')}`, size: '16GiB' },
    cluster: { topology: `file:${data}`, form: [{ id: 'n1', host: 'h1', rpc, fabric }] },
    telemetry: { log: 'warn' },
  };
  // JSON is YAML.
  const file = join(data, 'n1.yaml');
  writeFileSync(file, JSON.stringify(config));
  const logFile = join(data, 'n1.log');
  const log = openSync(logFile, 'a');
  const child = spawnOwned(process.execPath, [MAIN, '--config', file], ['ignore', log, log]);
  closeSync(log);
  const gone = once(child, 'exit');
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await isReady(`http://${metrics}/readyz`))) {
    if (child.exitCode !== null || Date.now() > deadline || child.pid === undefined) {
      child.kill('SIGKILL');
      throw new Error(`the node is not ready:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await sleep(50);
  }
  return {
    pid: child.pid ?? 0,
    rpc: `http://${rpc}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
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
