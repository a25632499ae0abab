import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Prng } from '@ferrite/replication/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';
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
    await aloneItHolds(keys.map((key) => [key, `value of ${key}!`]));
  });

  it('finds by its scrub what nobody has read, and heals it', async () => {
    const keys = Array.from({ length: 200 }, (_, i) => `unread ${i}`);
    for (const key of keys) must(await one.put(key, `value of ${key}!`));
    await eventually(async () => {
      for (const key of keys) expect(must(await three.get(key, ONE)).values).toEqual([`value of ${key}!`]);
    });
    await nodes[2].stop('SIGTERM');
    const damaged = keys.filter((_, at) => at % 5 === 1);
    flip(
      nodes[2].image,
      damaged.map((key) => `value of ${key}!`),
    );
    flipAnywhere(nodes[2].image, 50);
    await nodes[2].start();
    const found = await scrubbed(nodes[2]);
    expect(Number(found.damagedRecords)).toBeGreaterThan(0);
    await nodes[2].serving();
    for (const key of keys) expect(must(await three.get(key)).values).toEqual([`value of ${key}!`]);
    expect(await scrubbed(nodes[2])).toMatchObject({ damagedRecords: '0', failure: '' });
    await aloneItHolds(keys.map((key) => [key, `value of ${key}!`]));
  });

  it('rebuilds every record of a disk that was deleted', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `lost ${i}`);
    for (const key of keys) must(await one.put(key, `value of ${key}`));
    await nodes[2].stop('SIGKILL');
    rmSync(nodes[2].image);
    await nodes[2].start();
    await nodes[2].serving();
    expect(must(await three.get('lost 0', ONE)).values).toEqual(['value of lost 0']);
    const before = ['missed', 'flipped', 'unread'].flatMap((kind) =>
      Array.from(
        { length: 200 },
        (_, i) => [`${kind} ${i}`, `value of ${kind} ${i}${kind === 'missed' ? '' : '!'}`] as const,
      ),
    );
    await aloneItHolds([...before, ...keys.map((key) => [key, `value of ${key}`] as const)]);
  });

  /** Asks the third node, with the others dead. */
  const aloneItHolds = async (values: readonly (readonly [key: string, value: string])[]): Promise<void> => {
    await Promise.all([nodes[0].stop('SIGKILL'), nodes[1].stop('SIGKILL')]);
    for (const [key, value] of values) expect(must(await three.get(key, ONE)).values).toEqual([value]);
    await Promise.all([nodes[0].start(), nodes[1].start()]);
    await Promise.all(nodes.map((node) => node.serving()));
  };
});

interface Scrubbed {
  readonly running: boolean;
  readonly startedAtMs: string;
  readonly damagedRecords: string;
  readonly failure: string;
}

/** Has a node scrub its device, and tells how that ended. */
async function scrubbed(node: LocalNode): Promise<Scrubbed> {
  const client = jsonClient(node.url);
  const service = 'ferrite.node.v1.NodeService';
  must(await client.call(service, 'ScrubNode', {}));
  let scrub: Scrubbed | undefined;
  await eventually(async () => {
    ({ scrub } = must(await client.call<{ status: { scrub: Scrubbed } }>(service, 'GetStatus', {})).status);
    expect(scrub.running).toBe(false);
    expect(scrub.startedAtMs).not.toBe('0');
  });
  return scrub!;
}

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

/** Flips bits of bytes at random places, wherever something is written behind the first MiB. */
function flipAnywhere(image: string, times: number): void {
  const bytes = readFileSync(image);
  const prng = new Prng(5, 'flips');
  for (let flipped = 0; flipped < times; ) {
    const at = prng.between(1024 * 1024, bytes.byteLength - 1);
    if (bytes[at] === 0) continue;
    bytes[at]! ^= 1 << prng.int(8);
    flipped++;
  }
  writeFileSync(image, bytes);
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
