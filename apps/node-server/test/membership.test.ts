import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonClient } from './json-client.ts';
import { type LocalCluster, type LocalNode, startLocalCluster } from './local-cluster.ts';

/** Wide enough for a machine with other work; the bound itself (2 s) is asserted in simulation. */
const NOTICED_MS = 8_000;

interface Peer {
  readonly id: string;
  readonly liveness: string;
  readonly boot: string;
}

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await startLocalCluster();
  await Promise.all(cluster.nodes.map((node) => node.serving()));
});
afterAll(async () => await cluster[Symbol.asyncDispose]());

async function peersOf(node: LocalNode): Promise<readonly Peer[]> {
  const reply = await jsonClient(node.url).call<{ status: { peers: readonly Peer[] } }>(
    'ferrite.node.v1.NodeService',
    'GetStatus',
    {},
  );
  return reply.ok ? reply.value.status.peers : [];
}

/** How long it took until each of `observers` held `subject` for `liveness`. */
async function noticed(observers: readonly LocalNode[], subject: LocalNode, liveness: string): Promise<number> {
  const start = performance.now();
  for (;;) {
    const views = await Promise.all(observers.map(peersOf));
    const tookMs = performance.now() - start;
    if (views.every((peers) => peers.find(({ id }) => id === subject.id)?.liveness === liveness)) return tookMs;
    if (tookMs > NOTICED_MS) throw new Error(`${subject.id} is not held for ${liveness}: ${JSON.stringify(views)}`);
    await sleep(20);
  }
}

describe('membership of real nodes', () => {
  it('reports a killed node to all others while a quorum goes on answering, and its return', async () => {
    const [victim, ...others] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
    await noticed(others, victim, 'alive');
    await victim.stop('SIGKILL');
    const detected = noticed(others, victim, 'dead');
    const client = jsonClient(others[0]!.url);
    for (let at = 0; at < 20; at++) {
      const put = await client.put(`key ${at}`, 'value', { consistency: 'CONSISTENCY_QUORUM' });
      const got = await client.get(`key ${at}`, { consistency: 'CONSISTENCY_QUORUM' });
      expect([put, got]).toMatchObject([{ ok: true }, { ok: true, value: { values: ['value'] } }]);
    }
    expect(await detected).toBeLessThan(NOTICED_MS);

    const topology = await jsonClient(others[1]!.url).call<{ members: { id: string; liveness: string }[] }>(
      'ferrite.kv.v1.TopologyService',
      'GetTopology',
      {},
    );
    const liveness = topology.ok ? topology.value.members.map((member) => member.liveness) : [];
    expect(liveness).toEqual(['dead', 'alive', 'alive']);

    await victim.start();
    await noticed(others, victim, 'alive');
    const [seen] = (await peersOf(others[0]!)).filter(({ id }) => id === victim.id);
    expect(Number(seen!.boot)).toBe(2);
  });

  it('does not hold a node for dead that gets little of the processor', async () => {
    await Promise.all(cluster.nodes.map((node) => node.serving()));
    // Busy loops, bounded in time, that compete with the nodes for every core.
    const busy = Array.from({ length: 3 }, (): ChildProcess => {
      const code = 'const end = Date.now() + 15000; while (Date.now() < end);';
      return spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    });
    try {
      const end = performance.now() + 6_000;
      while (performance.now() < end) {
        for (const peers of await Promise.all(cluster.nodes.map(peersOf))) {
          expect(peers.filter(({ liveness }) => liveness === 'dead')).toEqual([]);
        }
        await sleep(50);
      }
    } finally {
      for (const child of busy) child.kill('SIGKILL');
    }
  });
});
