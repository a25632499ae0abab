import { StoreError } from '@ferrite/errors';
import { describe, expect, it } from 'vitest';
import { type NodeDescription, type TopologyDocument } from '../core/topology.ts';
import { createKeyspace, formTopology } from '../core/topology-keyspaces.ts';
import type { LocalStore } from '../ports/local-store.ts';
import type { ReplicaTransport } from '../ports/replica-transport.ts';
import type { TopologyStore } from '../ports/topology-store.ts';
import { openReplicaNode } from './replica-node.ts';
import type { ReplicaNode } from './replica-node-api.ts';

/** A store in memory that is durable at the next turn; `fail` makes its device fail. */
function memoryStore(): LocalStore & { fail(): void; size(): number } {
  const records = new Map<string, Uint8Array>();
  let broken = false;
  const id = (keyspace: number, key: Uint8Array): string => `${keyspace}/${Buffer.from(key).toString('hex')}`;
  return {
    fail: () => {
      broken = true;
    },
    size: () => records.size,
    append({ keyspace, key, value }, durable) {
      if (broken) throw new StoreError('DEVICE_FAILED');
      records.set(id(keyspace, key), value.slice());
      queueMicrotask(() => durable(undefined));
    },
    remove(keyspace, key, durable) {
      records.delete(id(keyspace, key));
      queueMicrotask(() => durable(undefined));
    },
    dropPartition() {
      throw new StoreError('OVERLOADED');
    },
    get(keyspace, key, then) {
      const value = records.get(id(keyspace, key));
      then(undefined, value && { value });
    },
    async scanPage() {
      return { records: [], damaged: 0 };
    },
  };
}

function memoryTopologyStore(first: TopologyDocument): TopologyStore {
  const versions = [first];
  const boots = new Map<string, { boot: number; incarnation: string }>();
  return {
    read: async () => versions.at(-1),
    publish: async (document) => {
      if (document.epoch !== versions.length + 1) return 'lost';
      versions.push(document);
      return 'done';
    },
    async *watch() {},
    registerBoot: async (nodeId, boot, incarnation) => {
      const known = boots.get(nodeId);
      const registered = boot > (known?.boot ?? 0);
      if (registered) boots.set(nodeId, { boot, incarnation });
      return { registered, ...(known && { known }) };
    },
  };
}

const member = (id: string): NodeDescription => ({
  id,
  host: id,
  zone: 'a',
  weight: 1,
  rpc: `${id}:1`,
  fabric: `${id}:2`,
});
const clock = {
  wallMs: () => 1_700_000_000_000,
  monotonicMs: () => performance.now(),
  setTimer: (ms: number, fire: () => void) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};
const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const report = { created: true, clean: true, tail: 'sealed', damaged: [] } as const;
const key = new TextEncoder().encode('k');

async function open(
  topologyStore: TopologyStore,
  store = memoryStore(),
): Promise<{ node: ReplicaNode; store: ReturnType<typeof memoryStore> }> {
  const topology = (await topologyStore.read()) as TopologyDocument;
  const refused = new StoreError('FABRIC_UNAVAILABLE');
  const transport: ReplicaTransport = {
    call: (_to, _request, _timeoutMs, then) => then({ ok: false, error: refused }),
  };
  const node = await openReplicaNode(
    { store, transport, topologyStore, clock, random },
    { nodeId: 'n1', topology, report },
  );
  while (node.status().state === 'unverified') await new Promise((resolve) => setTimeout(resolve, 1));
  return { node, store };
}

const alone = (): TopologyStore => memoryTopologyStore(formTopology([member('n1')], { partitionBits: 2 }));

describe('a node', () => {
  it('writes, reads and deletes alone, and keeps what it holds over a clean restart', async () => {
    const topologyStore = alone();
    const { node, store } = await open(topologyStore);
    const { context, acked, durable } = await node.write({ keyspace: '', key, value: key, timeoutMs: 1000 });
    expect([acked, durable]).toEqual([1, 1]);
    await node.close();
    const { node: again } = await open(topologyStore, store);
    expect((await again.get({ keyspace: '', key, timeoutMs: 1000 })).versions.siblings).toHaveLength(1);
    await again.write({ keyspace: '', key, context, timeoutMs: 1000 });
    expect((await again.get({ keyspace: '', key, timeoutMs: 1000 })).versions.siblings).toHaveLength(0);
    await again.close();
  });

  it('refuses new work once it closes, and closes once', async () => {
    const { node } = await open(alone());
    await Promise.all([node.close(), node.close()]);
    await expect(node.get({ keyspace: '', key, timeoutMs: 1000 })).rejects.toMatchObject({ reason: 'SHUTTING_DOWN' });
    await expect(node.handle({ type: 'read', epoch: 1, keyspaceId: 1, key })).rejects.toMatchObject({
      reason: 'SHUTTING_DOWN',
    });
  });

  it('stops for good when its device fails, and says so', async () => {
    const { node, store } = await open(alone());
    store.fail();
    await expect(node.write({ keyspace: '', key, value: key, timeoutMs: 1000 })).rejects.toMatchObject({
      reason: 'DEVICE_FAILED',
    });
    expect((await node.failed).reason).toBe('DEVICE_FAILED');
    await expect(node.get({ keyspace: '', key, timeoutMs: 1000 })).rejects.toMatchObject({ reason: 'DEVICE_FAILED' });
    await node.close();
  });

  it('finds a keyspace that another node has just created, and names one that nobody has', async () => {
    const topologyStore = alone();
    const { node } = await open(topologyStore);
    const { node: other } = await open(topologyStore, memoryStore()).catch(() => ({ node: undefined }));
    expect(other).toBeDefined();
    await node.changeTopology((document) => createKeyspace(document, { name: 'fresh' }));
    expect(await other?.keyspace('fresh')).toMatchObject({ name: 'fresh', id: 2 });
    await expect(node.keyspace('none')).rejects.toMatchObject({ reason: 'KEYSPACE_NOT_FOUND' });
    await node.close();
  });

  it('gives up by name when other writers of the topology are always first', async () => {
    const topologyStore = alone();
    const { node } = await open({ ...topologyStore, publish: async () => 'lost' });
    await expect(node.changeTopology((document) => createKeyspace(document, { name: 'x' }))).rejects.toMatchObject({
      reason: 'TOPOLOGY_CONFLICT',
    });
    await node.close();
  });

  it('does not coordinate for a peer while it recovers', async () => {
    const topologyStore = memoryTopologyStore(formTopology(['n1', 'n2', 'n3'].map(member), { partitionBits: 2 }));
    await topologyStore.registerBoot('n1', 1, 'another disk');
    const { node } = await open(topologyStore);
    expect(node.status()).toMatchObject({ state: 'recovering', recovery: { recovering: 4 } });
    const op = { op: 'put', value: key, context: undefined, consistency: 'ONE', memory: false, ttlMs: 0 } as const;
    const asked = node.handle({ type: 'coordinate', epoch: 1, keyspaceId: 1, key, op, timeoutMs: 100 });
    await expect(asked).rejects.toMatchObject({ reason: 'RECOVERING', effect: 'none' });
    await node.close();
  });

  it('refuses a peer that routes by an older table', async () => {
    const { node } = await open(alone());
    await expect(node.handle({ type: 'read', epoch: 0, keyspaceId: 1, key })).rejects.toMatchObject({
      reason: 'TOPOLOGY_STALE',
    });
    await node.close();
  });

  it('fails at QUORUM by name, with the effect known, when its peers cannot be reached', async () => {
    const three = ['n1', 'n2', 'n3'].map(member);
    const { node } = await open(memoryTopologyStore(formTopology(three, { partitionBits: 2 })));
    await expect(node.get({ keyspace: '', key, timeoutMs: 500 })).rejects.toMatchObject({
      reason: 'QUORUM_UNAVAILABLE',
      effect: 'none',
    });
    await expect(node.write({ keyspace: '', key, value: key, timeoutMs: 500 })).rejects.toMatchObject({
      reason: 'QUORUM_UNAVAILABLE',
      effect: 'unknown',
    });
    const one = await node.get({ keyspace: '', key, consistency: 'ONE', timeoutMs: 500 });
    expect(one.versions.siblings).toHaveLength(1);
    await node.close();
  });
});
