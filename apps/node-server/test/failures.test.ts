import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';
import { type JsonClient, jsonClient, must, refused } from './json-client.ts';
import { type LocalCluster, type LocalNode, startLocalCluster } from './local-cluster.ts';

describe('a cluster of which nodes die', () => {
  let cluster: LocalCluster;
  let nodes: [LocalNode, LocalNode, LocalNode];
  beforeAll(async () => {
    cluster = await startLocalCluster();
    nodes = cluster.nodes as unknown as typeof nodes;
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  it('goes on at QUORUM with one node dead, and fails by name and in time with two dead', async () => {
    const one = jsonClient(nodes[0].url);
    must(await one.put('before', 'x'));
    await nodes[2].stop('SIGKILL');
    for (let i = 0; i < 50; i++) must(await one.put(`k${i}`, `v${i}`));
    for (let i = 0; i < 50; i++) expect(must(await one.get(`k${i}`)).values).toEqual([`v${i}`]);

    await nodes[1].stop('SIGKILL');
    const started = Date.now();
    const put = refused(await one.put('alone', 'x', { timeoutMs: 2000 }));
    expect(['QUORUM_UNAVAILABLE', 'DEADLINE_EXCEEDED']).toContain(put.reason);
    expect(put.effect).toBe('unknown');
    const get = refused(await one.get('before'));
    expect(['QUORUM_UNAVAILABLE', 'DEADLINE_EXCEEDED']).toContain(get.reason);
    expect(Date.now() - started).toBeLessThan(15_000);
    expect(must(await one.get('before', { consistency: 'CONSISTENCY_ONE' })).values).toEqual(['x']);

    await Promise.all([nodes[1].start(), nodes[2].start()]);
    await Promise.all(nodes.map((node) => node.serving()));
    must(await one.put('after', 'y'));
    for (const node of nodes) expect(must(await jsonClient(node.url).get('k7')).values).toEqual(['v7']);
  });

  it('misses no acknowledged write at QUORUM after a node comes back without its image', async () => {
    const one = jsonClient(nodes[0].url);
    const keys = Array.from({ length: 300 }, (_, i) => `wiped ${i}`);
    await Promise.all(keys.map(async (key) => must(await one.put(key, key))));
    await nodes[1].stop('SIGKILL');
    rmSync(nodes[1].image);
    await nodes[1].start();
    // While it recovers, and with another member gone as soon as it has, every read must still find everything.
    const two = jsonClient(nodes[1].url);
    for (const key of keys) expect(must(await two.get(key)).values).toEqual([key]);
    await nodes[1].serving();
    await nodes[0].stop('SIGKILL');
    for (const key of keys) expect(must(await two.get(key)).values).toEqual([key]);
    await nodes[0].start();
  });

  it('finds every acknowledged write after all nodes were killed at once under load', async () => {
    const acknowledged = new Map<string, string>();
    const clients = nodes.map((node) => jsonClient(node.url));
    let running = true;
    const writers = Array.from({ length: 12 }, async (_, writer) => {
      for (let i = 0; running && i < 5000; i++) {
        const key = `crash ${writer} ${i}`;
        const reply = await clients[writer % 3]?.put(key, `value of ${key}`);
        if (reply?.ok === true) acknowledged.set(key, `value of ${key}`);
        else break;
      }
    });
    await eventually(async () => expect(acknowledged.size).toBeGreaterThan(500));
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
    running = false;
    await Promise.all(writers);
    await Promise.all(nodes.map((node) => node.start()));
    await Promise.all(nodes.map((node) => node.serving()));
    let turn = 0;
    for (const [key, value] of acknowledged) {
      const reader = clients[turn++ % 3] as JsonClient;
      expect(must(await reader.get(key)).values, key).toEqual([value]);
    }
  });
});
