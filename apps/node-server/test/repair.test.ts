import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JsonClient, jsonClient, must } from './json-client.ts';
import { type LocalCluster, type LocalNode, startLocalCluster } from './local-cluster.ts';

const ONE = { consistency: 'CONSISTENCY_ONE' };

describe('a cluster that repairs itself', () => {
  let cluster: LocalCluster;
  let nodes: [LocalNode, LocalNode, LocalNode];
  let one: JsonClient;
  let three: JsonClient;
  beforeAll(async () => {
    cluster = await startLocalCluster({ sizeMiB: 256 });
    nodes = cluster.nodes as unknown as typeof nodes;
    one = jsonClient(nodes[0].url);
    three = jsonClient(nodes[2].url);
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  it('gives a node that was away what it missed, without anybody reading it', async () => {
    await nodes[2].stop('SIGKILL');
    const keys = Array.from({ length: 200 }, (_, i) => `missed ${i}`);
    for (const key of keys) must(await one.put(key, `value of ${key}`));
    expect(await hintsFor(nodes, 'n3')).toBeGreaterThan(0);
    await nodes[2].start();
    // At ONE the node answers from its own copy alone.
    await eventually(async () => {
      for (const key of keys) expect(must(await three.get(key, ONE)).values).toEqual([`value of ${key}`]);
    });
    await eventually(async () => expect(await hintsFor(nodes, 'n3')).toBe(0));
  });

  it('finds the bytes that were flipped in a stopped node and heals them, and never serves one of them', async () => {
    const keys = Array.from({ length: 200 }, (_, i) => `flipped ${i}`);
    for (const key of keys) must(await one.put(key, `value of ${key}!`));
    await eventually(async () => {
      for (const key of keys) expect(must(await three.get(key, ONE)).values).toEqual([`value of ${key}!`]);
    });
    await nodes[2].stop('SIGTERM');
    const damaged = keys.filter((_, at) => at % 5 === 0);
    flip(
      nodes[2].image,
      damaged.map((key) => `value of ${key}!`),
    );
    await nodes[2].start();
    for (const key of keys) {
      for (const options of [{}, ONE]) {
        const reply = await three.get(key, options);
        expect(reply.ok ? reply.value.values : [`value of ${key}!`]).toEqual([`value of ${key}!`]);
      }
    }
    await nodes[2].serving();
    await Promise.all([nodes[0].stop('SIGKILL'), nodes[1].stop('SIGKILL')]);
    for (const key of keys) expect(must(await three.get(key, ONE)).values).toEqual([`value of ${key}!`]);
  });
});

interface Hinted {
  status: { repair: { hints?: readonly { peer: string; hints?: string; refused?: string }[] } };
}

/** Hints that the running nodes say they hold for a peer. */
async function hintsFor(nodes: readonly LocalNode[], wanted: string): Promise<number> {
  let held = 0;
  for (const { url } of nodes) {
    const reply = await jsonClient(url).call<Hinted>('ferrite.node.v1.NodeService', 'GetStatus', {});
    if (!reply.ok) continue;
    for (const { peer, hints = '0', refused = '0' } of reply.value.status.repair.hints ?? [])
      if (peer === wanted) held += Number(hints) + Number(refused);
  }
  return held;
}

/** Flips a bit in the middle of every copy of each text. */
function flip(image: string, texts: readonly string[]): void {
  const bytes = readFileSync(image);
  for (const text of texts) {
    const first = bytes.indexOf(text);
    expect(first, text).toBeGreaterThan(0);
    for (let at = first; at >= 0; at = bytes.indexOf(text, at + 1)) bytes[at + 4]! ^= 0x10;
  }
  writeFileSync(image, bytes);
}

/** Waits, at most 60 s, until the check passes. */
async function eventually(check: () => Promise<unknown>): Promise<void> {
  const until = Date.now() + 60_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
