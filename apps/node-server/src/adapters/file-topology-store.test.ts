import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '@ferrite/errors';
import { formTopology, type TopologyDocument } from '@ferrite/replication';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileTopologyStore } from './file-topology-store.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ferrite-topology-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const first = (): TopologyDocument =>
  formTopology(
    [1, 2, 3].map((i) => ({
      id: `n${i}`,
      host: `h${i}`,
      zone: 'a',
      weight: 1,
      rpc: `127.0.0.1:${7400 + i}`,
      fabric: `127.0.0.1:${7500 + i}`,
    })),
  );

describe('the topology store in a directory', () => {
  it('gives back what was published, from another opener too', async () => {
    const store = openFileTopologyStore(directory);
    expect(await store.read()).toBeUndefined();
    expect(await store.publish(first())).toBe('done');
    expect(await openFileTopologyStore(directory).read()).toEqual(first());
  });

  it('lets exactly one of many writers publish an epoch', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => openFileTopologyStore(directory).publish(first())),
    );
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
  });

  it('shows a watcher each newer version it finds', async () => {
    const store = openFileTopologyStore(directory);
    await store.publish(first());
    const abort = new AbortController();
    const epochs: number[] = [];
    for await (const document of store.watch(abort.signal)) {
      epochs.push(document.epoch);
      if (document.epoch === 2) abort.abort();
      else await store.publish({ ...document, epoch: 2 });
    }
    expect(epochs).toEqual([1, 2]);
  });

  it('registers a boot once and tells later comers who has it (P9)', async () => {
    const store = openFileTopologyStore(directory);
    expect(await store.registerBoot('n1', 1, 'aa')).toEqual({ registered: true });
    expect(await store.registerBoot('n1', 1, 'bb')).toEqual({
      registered: false,
      known: { boot: 1, incarnation: 'aa' },
    });
    expect(await store.registerBoot('n1', 2, 'bb')).toEqual({
      registered: true,
      known: { boot: 1, incarnation: 'aa' },
    });
    expect(await store.registerBoot('n1', 1, 'cc')).toEqual({
      registered: false,
      known: { boot: 2, incarnation: 'bb' },
    });
    expect(await store.registerBoot('n11', 1, 'dd')).toEqual({ registered: true });
  });

  it('makes one key for all openers and keeps it from others', () => {
    const key = openFileTopologyStore(directory).clusterKey();
    expect(key.byteLength).toBe(32);
    expect(openFileTopologyStore(directory).clusterKey()).toEqual(key);
    expect(statSync(join(directory, 'cluster.key')).mode & 0o077).toBe(0);
  });

  it('leaves no temporary files behind', async () => {
    const store = openFileTopologyStore(directory);
    await store.publish(first());
    await store.publish(first());
    expect(readdirSync(directory)).toEqual(['topology.1.json']);
  });

  it('names the directory that it cannot write', () => {
    writeFileSync(join(directory, 'plain'), '');
    chmodSync(join(directory, 'plain'), 0o600);
    expect(() => openFileTopologyStore(join(directory, 'plain', 'below'))).toThrow(StoreError);
    expect(() => openFileTopologyStore(join(directory, 'plain', 'below'))).toThrow(
      /PATH_NOT_WRITABLE: .*plain.*ENOTDIR/,
    );
  });
});
