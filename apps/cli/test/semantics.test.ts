import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, oneValue, openClient } from '@ferrite/client';
import { StoreError } from '@ferrite/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalCluster, startLocalCluster } from '../../node-server/test/local-cluster.ts';
import { runWith } from './fake-servers.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const KEY = bytes('key');

describe('what reads and writes mean, over three real processes', () => {
  let cluster: LocalCluster;
  let clients: readonly Client[];

  beforeAll(async () => {
    cluster = await startLocalCluster();
    clients = await Promise.all(
      cluster.nodes.map(({ url }) => openClient({ servers: [url], transport: 'connect', timeoutMs: 5_000 })),
    );
    await Promise.all(cluster.nodes.map((node) => node.serving()));
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await cluster[Symbol.asyncDispose]();
  });

  test('shows the last of two blind writes alone in a keyspace with the policy lww', async () => {
    const [one, two] = clients as [Client, Client];
    expect((await one.keyspaces.create('last', { conflictPolicy: 'lww' })).conflictPolicy).toBe('lww');
    await one.put('last', KEY, bytes('first'), { blind: true });
    await sleep(5);
    await two.put('last', KEY, bytes('second'), { blind: true });
    expect(oneValue(await one.get('last', KEY))).toEqual({ kind: 'value', value: bytes('second') });
    await two.delete('last', KEY);
    expect(oneValue(await one.get('last', KEY))).toEqual({ kind: 'absent' });
  });

  test('hides a value as soon as its time is up, in gets and in scans', async () => {
    const [one, two] = clients as [Client, Client];
    expect((await one.keyspaces.create('brief', { ttlMs: 3_600_000 })).ttlMs).toBe(3_600_000);
    await one.put('brief', bytes('hour'), bytes('v'));
    await one.put('brief', KEY, bytes('v'), { ttlMs: 1_500 });
    const [sibling] = (await two.get('brief', KEY)).siblings;
    expect(Number(sibling?.expiresAt) - Number(sibling?.writtenAt)).toBe(1_500);
    const [hourly] = (await two.get('brief', bytes('hour'))).siblings;
    expect(Number(hourly?.expiresAt) - Number(hourly?.writtenAt)).toBe(3_600_000);
    await sleep(1_700);
    expect((await two.get('brief', KEY)).siblings).toEqual([]);
    const keys: string[] = [];
    for await (const { key } of two.scan('brief')) keys.push(new TextDecoder().decode(key));
    expect(keys).toEqual(['hour']);
    await two.put('brief', KEY, bytes('again'));
    expect(oneValue(await one.get('brief', KEY))).toEqual({ kind: 'value', value: bytes('again') });
  });

  test('gives a write that is sent again through another node its first result, and one effect', async () => {
    const [one, two, three] = clients as [Client, Client, Client];
    const token = { blind: true, idempotencyToken: randomBytes(16) };
    const key = bytes('once');
    const first = await one.put('default', key, bytes('v'), token);
    const again = await two.put('default', key, bytes('v'), token);
    expect(Buffer.compare(first.context, again.context)).toBe(0);
    expect((await three.get('default', key)).siblings).toHaveLength(1);
    await three.put('default', key, bytes('w'), { context: first.context });
    await two.put('default', key, bytes('v'), token);
    expect(oneValue(await one.get('default', key))).toEqual({ kind: 'value', value: bytes('w') });
  });

  test('answers a session at ONE with what it wrote, whichever node it asks', async () => {
    const sessions = clients.map((client) => client.session());
    const key = bytes('session');
    for (let at = 0; at < 30; at++) {
      const session = sessions[at % sessions.length]!;
      await session.put('default', key, bytes(`v${at}`), { consistency: 'one', durability: 'memory' });
      const shown = (await session.get('default', key, { consistency: 'one' })).siblings;
      expect(shown.map(({ value }) => new TextDecoder().decode(value))).toContain(`v${at}`);
    }
  });

  test('changes a keyspace while it is used, and gives its room back when it is deleted', async () => {
    const [one, two] = clients as [Client, Client];
    const recordsHeld = async (): Promise<number> => {
      const states = await one.nodes();
      return states.reduce((sum, { status }) => sum + Number(status?.engine?.records ?? 0), 0);
    };
    await one.keyspaces.create('brief-life');
    const before = await recordsHeld();
    for (let at = 0; at < 100; at++) await one.put('brief-life', bytes(`k${at}`), bytes('v'), { consistency: 'all' });
    expect(await recordsHeld()).toBeGreaterThanOrEqual(before + 300);
    expect(await two.keyspaces.update('brief-life', { ttlMs: 60_000, zoneRule: 'prefer' })).toMatchObject({
      ttlMs: 60_000,
      conflictPolicy: 'siblings',
      sloppyWrites: false,
    });
    const refused = await two.keyspaces.update('brief-life', { replicationFactor: 2 }).catch((error: unknown) => error);
    expect(StoreError.is(refused) && refused.message).toMatch(
      /would lose a replica .*ferrite node plan-factor brief-life 2/,
    );
    const settings = [
      '--read-consistency',
      'one',
      '--durability',
      'memory',
      '--ttl',
      '2m',
      '--replication-factor',
      '3',
    ];
    const updated = await runWith(['keyspace', 'update', 'brief-life', ...settings, '--json'], {
      FERRITE_SERVER: cluster.nodes[1]!.url,
    });
    expect(JSON.parse(updated.out)).toMatchObject({
      readConsistency: 'one',
      durability: 'memory',
      ttlMs: 120_000,
      writeConsistency: 'quorum',
    });
    await one.keyspaces.delete('brief-life');
    await expect.poll(recordsHeld, { timeout: 15_000, interval: 250 }).toBeLessThan(before + 100);
  });

  test('counts hints only where a keyspace says so, and says how many', async () => {
    const [one] = clients as [Client];
    await one.keyspaces.create('sloppy', { sloppyWrites: true });
    await one.keyspaces.create('strict');
    await one.put('sloppy', KEY, bytes('before'));
    await Promise.all(cluster.nodes.slice(1).map((node) => node.stop('SIGKILL')));
    const put = await one.put('sloppy', KEY, bytes('alone'), { blind: true, timeoutMs: 8_000 });
    expect(put).toMatchObject({ durableReplicas: 1 });
    expect(put.hintedReplicas).toBeGreaterThanOrEqual(1);
    const refused = await one.put('strict', KEY, bytes('v'), { blind: true, timeoutMs: 1_500 }).catch((error) => error);
    expect(StoreError.is(refused) && refused.effect).toBe('unknown');
    await Promise.all(cluster.nodes.slice(1).map((node) => node.start()));
    await Promise.all(cluster.nodes.map((node) => node.serving()));
    await expect
      .poll(
        async () => (await clients[2]!.get('sloppy', KEY)).siblings.map(({ value }) => Buffer.from(value).toString()),
        {
          timeout: 10_000,
        },
      )
      .toContain('alone');
  });
});
