import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonClient, must } from './json-client.ts';
import { type LocalCluster, startLocalCluster } from './local-cluster.ts';
import { etcdMissing, type RealEtcd, realEtcd } from './real-etcd.ts';

const TIMEOUT_MS = 120_000;

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
      expect(refused.text).toMatch(
        /the topology store etcd at http.* does not answer .*changes of the topology wait for it/,
      );

      // A node that stops now and starts again knows the cluster still, and a majority of the others registers its boot.
      const restarted = cluster.nodes[2]!;
      expect(await restarted.stop('SIGTERM')).toBe(0);
      await restarted.start();
      await restarted.serving();
      expect(restarted.log()).toMatch(/starting with the last topology this node has seen/);
      expect(must(await jsonClient(restarted.url).get('away-0')).values).toEqual(['value']);
      must(await jsonClient(restarted.url).put('restarted', 'value'));

      await etcd.start();
      let created = await createKeyspace(1, 'after');
      for (let attempt = 0; created.status !== 200 && attempt < 50; attempt++) {
        await sleep(100);
        created = await createKeyspace(1, 'after');
      }
      expect(created).toMatchObject({ status: 200 });
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
  },
);
