import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure, Peer } from '../suite.ts';
import { withCpuOf } from './process-cpu.ts';
import { freePort, isInstalled, output, spawnOwned } from './program.ts';

const KEYS = 10_000;
const VALUE_BYTES = 1024;

export interface RedisLoad {
  readonly command: 'get' | 'set';
  readonly connections: number;
  /** Commands sent ahead on each connection. */
  readonly pipeline: number;
}

/** A Debian redis-server of its own, driven by redis-benchmark from another process. */
export interface Redis extends AsyncDisposable {
  peer(load: RedisLoad): Peer;
}

/** @param durable every write is flushed before it is answered (`appendfsync always`) */
export async function openRedis(directory: string, durable: boolean): Promise<Redis> {
  const missing = ['redis-server', 'redis-benchmark'].find((program) => !isInstalled(program));
  if (missing !== undefined) {
    return { peer: () => ({ missing: `${missing} is not installed` }), [Symbol.asyncDispose]: async () => {} };
  }
  const port = await freePort();
  const folder = join(directory, `redis-${port}`);
  mkdirSync(folder);
  const settings = ['--save', '', '--appendonly', durable ? 'yes' : 'no', '--appendfsync', durable ? 'always' : 'no'];
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    ...settings,
    '--auto-aof-rewrite-percentage',
    '0',
  ];
  const server = spawnOwned('redis-server', args, 'ignore');
  const gone = once(server, 'exit');
  const pid = server.pid;
  if (pid === undefined) throw new Error('redis-server does not start');
  await untilServing(port);
  await benchmark(port, { command: 'set', connections: 8, pipeline: 16 }, 3 * KEYS);

  return {
    peer(load) {
      let rate = 5000;
      return {
        name: 'redis-server',
        config: `redis-benchmark -t ${load.command} -d ${VALUE_BYTES} -r ${KEYS} -c ${load.connections} -P ${load.pipeline}, ${durable ? 'appendonly yes, appendfsync always' : 'no persistence'}`,
        async measure(seconds) {
          // redis-benchmark counts requests, not seconds: as many as the last turn would have done.
          const figure = await withCpuOf([pid], () => benchmark(port, load, Math.max(100, Math.round(rate * seconds))));
          rate = figure.rate;
          return figure;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL');
      await gone;
    },
  };
}

/** redis-benchmark itself never gives up on a port where nobody listens. */
async function untilServing(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await sleep(100);
  }
  throw new Error('redis-server does not answer');
}

async function benchmark(port: number, load: RedisLoad, requests: number): Promise<Figure> {
  const { command, connections, pipeline } = load;
  const shape = ['-c', connections, '-P', pipeline, '-d', VALUE_BYTES, '-r', KEYS, '-n', requests].map(String);
  return figureOf(await output('redis-benchmark', ['-p', String(port), '-t', command, ...shape, '--csv']));
}

/** `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"` */
export function figureOf(csv: string): Figure {
  const last = csv.trim().split('\n').at(-1) ?? '';
  const [, rate, , , p50, , p99] = last.split(',').map((cell) => Number(cell.replaceAll('"', '')));
  if (rate === undefined || !(rate > 0)) throw new Error(`redis-benchmark said: ${csv}`);
  return { rate, p50: (p50 ?? Number.NaN) * 1000, p99: (p99 ?? Number.NaN) * 1000 };
}
