import { StoreError } from '@ferrite/errors';
import { describe, expect, test } from 'vitest';
import { type Client, openClientOver } from '../src/client.ts';
import { oneValue } from '../src/one-value.ts';
import { createFakeCluster, type FakeCluster } from '../src/testing/fake-cluster.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const KEY = bytes('key');

async function openOver(cluster: FakeCluster): Promise<Client> {
  return await openClientOver(cluster.dial, { servers: cluster.urls, timeoutMs: 1_000 });
}

describe('a session', () => {
  test('demands of each get what its writes and earlier gets have seen, and of the first nothing', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    const session = client.session();
    cluster.write('key', 'before');
    await session.get('default', KEY, { consistency: 'one' });
    await session.put('default', KEY, bytes('mine'));
    const found = await session.get('', KEY, { consistency: 'one' });
    expect(cluster.demands).toEqual([[], [1, 2]]);
    expect(oneValue(found)).toEqual({ kind: 'value', value: bytes('mine') });
  });

  test('replaces what it has seen, and leaves what others wrote since as a sibling', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    const session = client.session();
    await session.put('default', KEY, bytes('first'));
    cluster.write('key', 'theirs');
    await session.put('default', KEY, bytes('second'));
    expect(cluster.stored('key')).toEqual(['theirs', 'second']);
  });

  test('knows nothing of other sessions, nor they of it', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    await client.session().put('default', KEY, bytes('mine'));
    await client.session().get('default', KEY);
    await client.get('default', KEY);
    expect(cluster.demands.filter((dots) => dots.length > 0)).toEqual([]);
  });

  test('says when what it has seen is gone, until it is told to forget that', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    const session = client.session();
    await session.put('default', KEY, bytes('mine'));
    cluster.lose('key');
    const error = await session.get('default', KEY, { timeoutMs: 300 }).catch((cause: unknown) => cause);
    expect(StoreError.is(error) && error.reason).toBe('STALE_READ');
    session.forget('', KEY);
    expect((await session.get('default', KEY)).siblings).toEqual([]);
  });

  test('takes turns on one key, also after a call that failed', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    const session = client.session();
    const values = Array.from({ length: 8 }, (_, at) => `v${at}`);
    const puts = values.map((value) => session.put('default', KEY, bytes(value)));
    cluster.putFaults.push('refused');
    const results = await Promise.allSettled([...puts, session.get('default', KEY)]);
    expect(results.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
    expect(cluster.stored('key')).toEqual(['v7']);
    expect(cluster.demands.at(-1)?.length).toBeGreaterThanOrEqual(7);
  });

  test('a demand can be made of a single get as well', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    const { context } = await client.put('default', KEY, bytes('v'), { blind: true });
    await client.get('default', KEY, { atLeast: context });
    expect(cluster.demands).toEqual([[1]]);
  });
});
