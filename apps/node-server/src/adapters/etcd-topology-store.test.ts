import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { openHttpTransport } from '@ferrite/net';
import { KV } from '@ferrite/proto/etcd';
import { createKeyspace, formTopology, type TopologyDocument } from '@ferrite/replication';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdMissing, freePort, type RealEtcd, realEtcd } from '../../test/real-etcd.ts';
import type { ClusterStore } from './cluster-store.ts';
import { openEtcdTopologyStore } from './etcd-topology-store.ts';

let directory: string;
let etcd: RealEtcd;
const opened: ClusterStore[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferrite-etcd-'));
  etcd = await realEtcd(directory);
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store[Symbol.asyncDispose]();
  await etcd.kill();
  rmSync(directory, { recursive: true, force: true });
});

const url = (): string => etcd.url;
const start = (): Promise<void> => etcd.start();
const kill = (): Promise<void> => etcd.kill();

async function open(name = 'n1'): Promise<ClusterStore> {
  const cacheFile = join(directory, `${name}.topology`);
  const store = await openEtcdTopologyStore({
    url: `${url()}/ferrite`,
    cacheFile,
    timeoutMs: 1000,
    pollMs: 300,
    backoffMaxMs: 200,
  });
  opened.push(store);
  return store;
}

const first = (): TopologyDocument =>
  formTopology(
    [1, 2, 3].map((i) => {
      return {
        id: `n${i}`,
        host: `h${i}`,
        zone: 'a',
        weight: 1,
        rpc: `127.0.0.1:${7400 + i}`,
        fabric: `127.0.0.1:${7500 + i}`,
      };
    }),
    { partitionBits: 4 },
  );
const after = (document: TopologyDocument): TopologyDocument =>
  createKeyspace(document, { name: `k${document.epoch}` });

/** The epochs that a watcher is shown; `until` waits for one of them. */
function epochsOf(store: ClusterStore) {
  const abort = new AbortController();
  const epochs: number[] = [];
  const done = (async () => {
    for await (const { epoch } of store.watch(abort.signal)) epochs.push(epoch);
  })();
  return {
    epochs,
    until: async (epoch: number): Promise<void> => {
      for (let waited = 0; waited < 200 && epochs.at(-1) !== epoch; waited++) await sleep(50);
      expect(epochs.at(-1)).toBe(epoch);
    },
    stop: async (): Promise<void> => {
      abort.abort();
      await done;
    },
  };
}

describe.skipIf(etcdMissing !== '')(`the topology store in etcd${etcdMissing}`, { timeout: 60_000 }, () => {
  it('gives back what was published, to others too, and one key to all', async () => {
    await start();
    const [one, other] = [await open('n1'), await open('n2')];
    expect(await one.read()).toBeUndefined();
    expect(await one.publish(first())).toBe('done');
    expect(await other.read()).toEqual(first());
    expect(other.clusterKey()).toEqual(one.clusterKey());
    expect(other.clusterId()).toBe(one.clusterId());
    expect(statSync(join(directory, 'n1.topology')).mode & 0o077).toBe(0);
  });

  it('lets exactly one of many writers publish an epoch', async () => {
    await start();
    const stores = await Promise.all(Array.from({ length: 10 }, (_, i) => open(`n${i}`)));
    const outcomes = await Promise.all(stores.map((store) => store.publish(first())));
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
    const second = await Promise.all(stores.map((store, i) => store.publish({ ...after(first()), adminUrl: `${i}` })));
    expect(second.filter((outcome) => outcome === 'done')).toHaveLength(1);
  });

  it('registers a boot once and tells later comers who has it (P9)', async () => {
    await start();
    const store = await open();
    expect(await store.registerBoot('n1', 1, 'aa')).toEqual({ registered: true });
    const known = { boot: 1, incarnation: 'aa' };
    expect(await store.registerBoot('n1', 1, 'bb')).toEqual({ registered: false, known });
    expect(await store.registerBoot('n1', 2, 'bb')).toEqual({ registered: true, known });
    expect(await store.registerBoot('n11', 1, 'cc')).toEqual({ registered: true });
    const rivals = await Promise.all(['x', 'y', 'z'].map((life) => store.registerBoot('n1', 3, life)));
    expect(rivals.filter(({ registered }) => registered)).toHaveLength(1);
  });

  it('keeps a document of 65,536 partitions', async () => {
    await start();
    const store = await open();
    const nodes = Array.from({ length: 150 }, (_, i) => {
      return {
        id: `n${i}`,
        host: `h${i}`,
        zone: `z${i % 5}`,
        weight: 1,
        rpc: `10.0.0.${i}:1`,
        fabric: `10.0.0.${i}:2`,
      };
    });
    const large = formTopology(nodes, { partitionBits: 16 });
    expect(await store.publish(large)).toBe('done');
    expect(await store.read()).toEqual(large);
  });

  it('goes on watching through a restart and a compaction, and misses no newest version', async () => {
    await start();
    const [writer, reader] = [await open('n1'), await open('n2')];
    await writer.publish(first());
    const watcher = epochsOf(reader);
    await watcher.until(1);
    await kill();
    await start();
    let document = first();
    for (let epoch = 2; epoch <= 6; epoch++) await writer.publish((document = after(document)));
    await using transport = openHttpTransport({ baseUrl: url(), protocol: 'grpc' });
    const kv = createClient(KV, transport);
    const { header } = await kv.range({ key: Buffer.from('/ferrite/topology') });
    await kv.compact({ revision: header!.revision, physical: true });
    await watcher.until(6);
    await writer.publish((document = after(document)));
    await watcher.until(7);
    await watcher.stop();
    expect(watcher.epochs).toEqual([...watcher.epochs].sort((a, b) => a - b));
  });

  it('says clearly that it is away, keeps the watcher waiting, and is there again by itself', async () => {
    await start();
    const store = await open();
    await store.publish(first());
    const watcher = epochsOf(store);
    await watcher.until(1);
    await kill();
    for (const ask of [
      () => store.read(),
      () => store.publish(after(first())),
      () => store.registerBoot('n1', 1, 'a'),
    ]) {
      const error = await ask().catch((fault: unknown) => fault);
      expect(StoreError.is(error) && error.reason).toBe('TOPOLOGY_UNAVAILABLE');
      expect(String(error)).toMatch(
        /etcd at http:.* does not answer \(.*\)\. Data is served as before; bring the store back/,
      );
    }
    // As long as an operator's restart takes; the watcher tries some ten times meanwhile.
    await sleep(2000);
    const { why = '', forMs = 0 } = store.away() ?? {};
    expect(why).toMatch(/does not answer/);
    expect(forMs).toBeGreaterThanOrEqual(1900);
    await start();
    expect(await store.publish(after(first()))).toBe('done');
    await watcher.until(2);
    expect(store.away()).toBeUndefined();
    await watcher.stop();
  });

  it('does not hang on a server that takes requests and never answers', async () => {
    await start();
    const store = await open();
    await store.publish(first());
    etcd.signal('SIGSTOP');
    await expect(store.read()).rejects.toThrow(/does not answer/);
    etcd.signal('SIGCONT');
    expect(await store.read()).toEqual(first());
  });

  it('remembers the last document and the key, for a start while it is away', async () => {
    await start();
    const before = await open();
    await before.publish(first());
    const key = before.clusterKey();
    await kill();
    const again = await open();
    expect(again.remembered()).toEqual(first());
    expect(again.clusterKey()).toEqual(key);
    await expect(open('stranger')).rejects.toThrow(/TOPOLOGY_UNAVAILABLE: the topology store etcd at/);
  });

  it('asks the next endpoint when one is away', async () => {
    await start();
    const dead = `http://127.0.0.1:${await freePort()}`;
    const cacheFile = join(directory, 'two.topology');
    const store = await openEtcdTopologyStore({ url: `${dead},${url()}/ferrite`, cacheFile, timeoutMs: 1000 });
    opened.push(store);
    expect(await store.publish(first())).toBe('done');
  });
});

it.each(['', 'http://h', 'h:1/p', 'https://h:1/p', 'http://h:1/'])('refuses etcd:%s as an address', async (address) => {
  await expect(openEtcdTopologyStore({ url: address, cacheFile: join(directory, 'x') })).rejects.toThrow(
    /CONFIG_INVALID/,
  );
});
