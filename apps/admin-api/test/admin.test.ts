import { createClient } from '@connectrpc/connect';
import { type Listener, openHttpTransport } from '@ferrite/net';
import { ClusterService, KeyspaceService, NodeService } from '@ferrite/proto/admin';
import { KvService } from '@ferrite/proto/kv';
import { silentLog } from '@ferrite/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCluster, startLocalCluster } from '../../node-server/test/local-cluster.ts';
import { openAdminServer } from '../src/admin-server.ts';
import { parseCommandLine } from '../src/command-line.ts';

describe('the admin API of a live cluster', () => {
  let cluster: LocalCluster;
  let admin: Listener;
  const transport = () => openHttpTransport({ baseUrl: `http://${admin.address}` });

  beforeAll(async () => {
    cluster = await startLocalCluster();
    admin = await openAdminServer({
      listen: '127.0.0.1:0',
      nodes: cluster.nodes.slice(0, 2).map(({ url }) => url),
      log: silentLog,
    });
  });
  afterAll(async () => {
    await admin.close();
    await cluster[Symbol.asyncDispose]();
  });

  it('shows the topology as the nodes have it', async () => {
    await using http = transport();
    const { topology } = await createClient(ClusterService, http).getTopology({});
    expect(topology?.members.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3']);
    expect(topology?.partitions).toHaveLength(1024);
  });

  it('creates, shows, changes and deletes a keyspace, each seen by every node soon after', async () => {
    await using http = transport();
    const keyspaces = createClient(KeyspaceService, http);
    const created = await keyspaces.createKeyspace({ keyspace: { name: 'orders', replicationFactor: 2 } });
    expect(created.keyspace).toMatchObject({ name: 'orders', replicationFactor: 2 });
    await expect(keyspaces.createKeyspace({ keyspace: { name: 'orders' } })).rejects.toThrow(/KEYSPACE_EXISTS/);
    await expect(keyspaces.createKeyspace({ keyspace: { name: 'Not A Name' } })).rejects.toThrow(/ARGUMENT_INVALID/);
    expect((await keyspaces.getKeyspace({ name: 'orders' })).keyspace?.id).toBe(created.keyspace?.id);
    await keyspaces.updateKeyspace({ keyspace: { name: 'orders', defaultReadConsistency: 1 } });
    expect((await keyspaces.listKeyspaces({})).keyspaces.map(({ name }) => name)).toEqual(['default', 'orders']);

    const kv = createClient(KvService, http);
    const key = new TextEncoder().encode('k');
    await kv.put({ keyspace: 'orders', key, value: key });
    expect((await kv.get({ keyspace: 'orders', key })).siblings).toHaveLength(1);

    await keyspaces.deleteKeyspace({ name: 'orders' });
    await expect(keyspaces.getKeyspace({ name: 'orders' })).rejects.toThrow(/KEYSPACE_NOT_FOUND/);
    const again = await keyspaces.createKeyspace({ keyspace: { name: 'orders' } });
    expect(again.keyspace?.id).not.toBe(created.keyspace?.id);
  });

  it('tells who watches of each change of the topology, and ends with them', async () => {
    await using http = transport();
    const clusters = createClient(ClusterService, http);
    const stop = new AbortController();
    const seen: { readonly epoch: bigint; readonly keyspaces: readonly string[]; readonly partitions: number }[] = [];
    const watching = (async () => {
      for await (const { topology } of clusters.watchTopology({}, { signal: stop.signal })) {
        const { epoch = 0n, keyspaces = [], partitions = [] } = topology ?? {};
        seen.push({ epoch, keyspaces: keyspaces.map(({ name }) => name), partitions: partitions.length });
      }
    })().catch((error: unknown) => error);
    await expect.poll(() => seen.length).toBe(1);
    await createClient(KeyspaceService, http).createKeyspace({ keyspace: { name: 'watched' } });
    await expect.poll(() => seen.at(-1)?.keyspaces, { timeout: 5_000 }).toContain('watched');
    expect(seen.every(({ epoch }, at) => at === 0 || epoch > seen[at - 1]!.epoch)).toBe(true);
    expect(seen.every(({ partitions }) => partitions === 1024)).toBe(true);
    const late = new AbortController();
    const news = clusters.watchTopology({ knownEpoch: seen.at(-1)!.epoch }, { signal: late.signal });
    const nothing = (async () => {
      for await (const message of news) return message;
      return undefined;
    })().catch(() => undefined);
    setTimeout(() => late.abort(), 1_200);
    expect(await nothing).toBeUndefined();
    stop.abort();
    await watching;
  });

  it('scrubs the device of a node by its name', async () => {
    await using http = transport();
    const nodes = createClient(NodeService, http);
    await nodes.scrubNode({ id: 'n1' });
    const scrub = async () => (await nodes.getNode({ id: 'n1' })).node?.status?.scrub;
    await expect.poll(async () => (await scrub())?.running, { timeout: 20_000 }).toBe(false);
    expect(await scrub()).toMatchObject({ damagedRecords: 0n, failure: '' });
    await expect(nodes.scrubNode({ id: 'n1', bytesPerSecond: 1n })).rejects.toThrow(
      /bytes_per_second is less than 4096/,
    );
    await expect(nodes.scrubNode({ id: 'n9' })).rejects.toThrow(/NODE_NOT_FOUND/);
  });

  it('lists a node that is down as unreachable, with the reason, and goes on', async () => {
    await using http = transport();
    const nodes = createClient(NodeService, http);
    await cluster.nodes[0]?.stop('SIGKILL');
    const listed = await nodes.listNodes({});
    expect(listed.nodes.map(({ reachable }) => reachable)).toEqual([false, true, true]);
    expect(listed.nodes[0]?.error).toMatch(/^FABRIC_UNAVAILABLE: /);
    expect((await nodes.getNode({ id: 'n2' })).node?.status).toMatchObject({ id: 'n2', epoch: expect.any(BigInt) });
    await expect(nodes.getNode({ id: 'n9' })).rejects.toThrow(/NODE_NOT_FOUND/);
  });
});

describe('the command line of the admin API', () => {
  it('has defaults for a local cluster, and refuses to listen beyond loopback', () => {
    expect(parseCommandLine([])).toMatchObject({ listen: '127.0.0.1:7400', help: false });
    expect(() => parseCommandLine(['--listen', '0.0.0.0:7400'])).toThrow(/loopback only/);
    expect(() => parseCommandLine(['--nodes', 'nowhere'])).toThrow(/is no URL/);
    expect(() => parseCommandLine(['--frob'])).toThrow(/CONFIG_INVALID.*--help/);
  });
});
