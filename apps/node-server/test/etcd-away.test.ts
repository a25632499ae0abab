import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonClient, must } from './json-client.ts';
import { type LocalCluster, startLocalCluster } from './local-cluster.ts';
import { etcdMissing, type RealEtcd, realEtcd } from './real-etcd.ts';
import { type SteadyTraffic, startTraffic } from './steady-traffic.ts';

/** How long etcd hangs. Longer than its clients wait for an answer, and than a few of their attempts. */
const HANGS_MS = 15_000;
/** No call may wait for etcd, which is given 3 s to answer. */
const SLOWEST_MS = 2_500;
const TIMEOUT_MS = 120_000;
/** What a change of the topology says while the store is away: which store, what waits, and what to do. */
const AWAY =
  /TOPOLOGY_UNAVAILABLE: the topology store etcd at http:\/\/127\.0\.0\.1:\d+ does not answer \([^)]+\)\. Data is served as before; bring the store back, then repeat the change of the topology\./;

describe.skipIf(etcdMissing !== '')(
  `a cluster with its topology in etcd${etcdMissing}`,
  { timeout: TIMEOUT_MS },
  () => {
    let directory: string;
    let etcd: RealEtcd;
    let cluster: LocalCluster;
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'ferrite-etcd-e2e-'));
      etcd = await realEtcd(directory);
      await etcd.start();
      cluster = await startLocalCluster({ topology: `etcd:${etcd.url}/ferrite` });
      await Promise.all(cluster.nodes.map((node) => node.serving()));
    }, TIMEOUT_MS);
    afterAll(async () => {
      await cluster[Symbol.asyncDispose]();
      await etcd.kill();
      rmSync(directory, { recursive: true, force: true });
    });

    /** Traffic at all nodes while `body` runs; not one of its calls may fail. */
    const underTraffic = async (body: (traffic: SteadyTraffic) => Promise<void>): Promise<void> => {
      const traffic = startTraffic(cluster.nodes.map((node) => node.url));
      try {
        await body(traffic);
      } finally {
        await traffic.stop();
      }
      expect(traffic.failures).toEqual([]);
      expect(Math.min(traffic.puts, traffic.gets)).toBeGreaterThan(100);
      expect(traffic.slowestMs).toBeLessThan(SLOWEST_MS);
    };

    /** What a node's status says of the topology store. */
    const storeOf = async (node: number): Promise<unknown> => {
      const reply = await jsonClient(cluster.nodes[node]!.url).call<{ status: { topologyStore: unknown } }>(
        'ferrite.node.v1.NodeService',
        'GetStatus',
        {},
      );
      return must(reply).status.topologyStore;
    };

    const created = async (node: number, name: string): Promise<{ status: number; text: string }> => {
      let answer = await createKeyspace(node, name);
      for (let attempt = 0; answer.status !== 200 && attempt < 100; attempt++) {
        await sleep(100);
        answer = await createKeyspace(node, name);
      }
      return answer;
    };

    const createKeyspace = async (node: number, name: string): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${cluster.nodes[node]!.url}/ferrite.node.v1.NodeService/CreateKeyspace`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ keyspace: { name } }),
      });
      return { status: response.status, text: await response.text() };
    };

    it('serves data as before while etcd is away, says what waits for it, and goes on when it is back', async () => {
      expect((await createKeyspace(0, 'before')).status).toBe(200);
      await etcd.kill();
      for (const [at, node] of cluster.nodes.entries()) must(await jsonClient(node.url).put(`away-${at}`, 'value'));
      for (const at of cluster.nodes.keys()) {
        expect(must(await jsonClient(cluster.nodes[(at + 1) % 3]!.url).get(`away-${at}`)).values).toEqual(['value']);
      }
      const refused = await createKeyspace(1, 'during');
      expect(refused.status).not.toBe(200);
      expect(refused.text).toMatch(AWAY);
      expect(await storeOf(1)).toMatchObject({
        away: expect.stringMatching(AWAY),
        awayMs: expect.stringMatching(/^\d+$/),
      });

      // A node that stops now and starts again knows the cluster still, and a majority of the others registers its boot.
      const restarted = cluster.nodes[2]!;
      expect(await restarted.stop('SIGTERM')).toBe(0);
      await restarted.start();
      await restarted.serving();
      expect(restarted.log()).toMatch(/starting with the last topology this node has seen/);
      expect(must(await jsonClient(restarted.url).get('away-0')).values).toEqual(['value']);
      must(await jsonClient(restarted.url).put('restarted', 'value'));

      await etcd.start();
      expect(await created(1, 'after')).toMatchObject({ status: 200 });
      await expect.poll(() => storeOf(1)).toMatchObject({ away: '' });
      // The others are told by their watches.
      for (const node of cluster.nodes) {
        const names = async (): Promise<string> => {
          const answer = await fetch(`${node.url}/ferrite.kv.v1.TopologyService/GetTopology`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: '{}',
          });
          return await answer.text();
        };
        for (let waited = 0; waited < 200 && !(await names()).includes('"after"'); waited++) await sleep(100);
        expect(await names()).toContain('"after"');
      }
    });

    it('loses no put and no get when etcd is killed and started again', async () => {
      await underTraffic(async () => {
        for (let round = 0; round < 3; round++) {
          await etcd.kill();
          await sleep(500);
          const refused = await createKeyspace(round, `killed-${round}`);
          expect(refused.status).not.toBe(200);
          expect(refused.text).toMatch(AWAY);
          await etcd.start();
          expect(await created(round, `killed-${round}`)).toMatchObject({ status: 200 });
        }
      });
    });

    it('loses no put and no get while etcd takes requests and does not answer', async () => {
      await underTraffic(async (traffic) => {
        etcd.signal('SIGSTOP');
        const until = performance.now() + HANGS_MS;
        const { puts } = traffic;
        for (let node = 0; performance.now() < until; node = (node + 1) % 3) {
          const refused = await createKeyspace(node, 'hung');
          expect(refused.status).not.toBe(200);
          expect(refused.text).toMatch(AWAY);
        }
        expect(traffic.puts).toBeGreaterThan(puts + 100);
        etcd.signal('SIGCONT');
        expect(await created(0, 'hung')).toMatchObject({ status: 200 });
      });
    });
  },
);
