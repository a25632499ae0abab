import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Why tests with a real etcd cannot run here; empty if they can. */
export const etcdMissing: string =
  spawnSync('etcd', ['--version']).status === 0 ? '' : ' (etcd is not installed; apt-get install etcd-server)';

/** One member of the real etcd on loopback; it can be killed and started again on its data. For tests only. */
export interface RealEtcd extends AsyncDisposable {
  readonly url: string;
  /** Starts it on the data that is there, and waits until it answers. */
  start(): Promise<void>;
  kill(): Promise<void>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
}

export async function realEtcd(directory: string): Promise<RealEtcd> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  let process: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (process === undefined) return;
    const gone = once(process, 'exit');
    process.kill('SIGKILL');
    await gone;
    process = undefined;
  };
  return {
    url,
    kill,
    signal: (name) => void process?.kill(name),
    [Symbol.asyncDispose]: kill,
    async start() {
      const own = ['--name', 'e1', '--data-dir', join(directory, 'etcd'), '--logger', 'zap', '--log-level', 'error'];
      const client = ['--listen-client-urls', url, '--advertise-client-urls', url];
      const peers = [
        '--listen-peer-urls',
        peer,
        '--initial-advertise-peer-urls',
        peer,
        '--initial-cluster',
        `e1=${peer}`,
      ];
      process = spawn('etcd', [...own, ...client, ...peers], { stdio: 'ignore' });
      for (let waited = 0; waited < 400; waited++) {
        const answer = await fetch(`${url}/health`).then(
          (response) => response.text(),
          () => '',
        );
        if (answer.includes('true')) return;
        await sleep(50);
      }
      throw new Error('etcd did not start within 20 s');
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
