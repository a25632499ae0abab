import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, oneValue, openClient } from '@ferrite/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalCluster, startLocalCluster } from '../../node-server/test/local-cluster.ts';

const WORKERS = 16;
/** A wide bound for a machine with other work; what is aimed at is one second. */
const SLOWEST_MS_MAX = 6_000;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await startLocalCluster({ nodes: 5, sizeMiB: 128 });
  await Promise.all(cluster.nodes.map((node) => node.serving()));
});
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Load {
  readonly acknowledged: Map<string, string>;
  readonly failures: unknown[];
  operations: number;
  slowestMs: number;
}

async function read(client: Client, key: string): Promise<string> {
  const found = oneValue(await client.get('default', bytes(key), { consistency: 'quorum' }));
  return found.kind === 'value' ? new TextDecoder().decode(found.value) : found.kind;
}

/** Puts and gets at QUORUM, each key by one worker, until `signal` fires. */
async function work(client: Client, worker: number, load: Load, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    const key = `w${worker} k${round % 50}`;
    const value = `${round}`;
    const start = performance.now();
    try {
      await client.put('default', bytes(key), bytes(value), { consistency: 'quorum' });
      load.acknowledged.set(key, value);
      const got = await read(client, key);
      if (got !== value) load.failures.push(`${key}: wrote ${value}, read ${got}`);
    } catch (error) {
      load.failures.push(error);
    }
    load.operations += 2;
    load.slowestMs = Math.max(load.slowestMs, performance.now() - start);
  }
}

test('nothing fails and nothing is lost while a node is killed under load and started again', async () => {
  await using client = await openClient({ servers: [cluster.nodes[0]!.url] });
  const load: Load = { acknowledged: new Map(), failures: [], operations: 0, slowestMs: 0 };
  const stop = new AbortController();
  const workers = Array.from({ length: WORKERS }, (_, at) => work(client, at, load, stop.signal));
  const victim = cluster.nodes[2]!;
  // Load before, during and after: the sleeps are what the test is about.
  await sleep(1_500);
  await victim.stop('SIGKILL');
  await sleep(3_000);
  await victim.start();
  await sleep(2_000);
  stop.abort();
  await Promise.all(workers);

  expect(load.failures).toEqual([]);
  expect(load.operations).toBeGreaterThan(1_000);
  expect(load.slowestMs).toBeLessThan(SLOWEST_MS_MAX);
  for (const [key, value] of load.acknowledged) {
    expect(await read(client, key), key).toBe(value);
  }
});

test('a client that knows one node finds the cluster when that node dies', async () => {
  const [first, ...others] = cluster.nodes;
  await using client = await openClient({ servers: [first!.url] });
  await first!.stop('SIGKILL');
  await client.put('default', bytes('after'), bytes('value'));
  expect(await read(client, 'after')).toBe('value');
  expect((await client.nodes()).filter(({ status }) => status !== undefined)).toHaveLength(others.length);
});
