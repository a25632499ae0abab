import { StoreError } from '@ferrite/errors';
import { describe, expect, test, vi } from 'vitest';
import { type Client, type ClientConfig, openClientOver } from '../src/client.ts';
import { oneValue } from '../src/one-value.ts';
import { createFakeCluster, type FakeCluster } from '../src/testing/fake-cluster.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const KEY = bytes('key');

async function openOver(cluster: FakeCluster, config: Partial<ClientConfig> = {}): Promise<Client> {
  const client = await openClientOver(cluster.dial, { servers: cluster.urls, ...config });
  cluster.calls.length = 0;
  return client;
}

async function failure(pending: Promise<unknown>): Promise<StoreError> {
  const error = await pending.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!StoreError.is(error)) throw new Error(`expected a StoreError, got ${String(error)}`);
  return error;
}

describe('routing', () => {
  test('a request goes to the first replica over the fabric, and nowhere else', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    await client.get('default', KEY);
    expect(cluster.calls).toEqual(['n1/fabric Get']);
  });

  test('with transport connect the fabric is not touched', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster, { transport: 'connect' });
    await client.get('default', KEY);
    expect(cluster.calls).toEqual(['n1/connect Get']);
  });

  test('a node whose fabric port is closed is called over Connect, at once the next time', async () => {
    const cluster = createFakeCluster();
    cluster.fabricDown.add('n1');
    await using client = await openOver(cluster);
    await client.get('default', KEY);
    await client.get('default', KEY);
    expect(cluster.calls).toEqual(['n1/fabric Get', 'n1/connect Get', 'n1/connect Get']);
  });

  test('when a node dies its keys are read and written at the next replica, which is asked first from then on', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.down.add('n1');
    await client.put('default', KEY, bytes('v'), { blind: true });
    cluster.calls.length = 0;
    await client.get('default', KEY);
    expect(cluster.calls.filter((call) => !call.endsWith('GetTopology'))).toEqual(['n2/fabric Get']);
  });

  test('a hanging node costs a read a part of its time, not all of it', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.hanging.add('n1');
    await client.get('default', KEY, { timeoutMs: 400 });
    expect(cluster.calls.at(-1)).toBe('n2/fabric Get');
  });

  test('the client opens while only one of the servers answers', async () => {
    const cluster = createFakeCluster();
    cluster.down.add('n1').add('n2');
    await using client = await openOver(cluster);
    expect((await client.topology()).members.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3']);
  });

  test('without any server the failure names each of them', async () => {
    const cluster = createFakeCluster(2);
    cluster.down.add('n1').add('n2');
    const error = await failure(openOver(cluster));
    expect(error.reason).toBe('FABRIC_UNAVAILABLE');
    expect(Object.keys(error.details)).toEqual(cluster.urls);
  });

  test('a stale topology is fetched again before the next attempt', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.reasons.set('n1', 'TOPOLOGY_STALE');
    cluster.epoch = 7n;
    await client.get('default', KEY);
    expect(cluster.calls.filter((call) => call.endsWith('GetTopology'))).toHaveLength(3);
  });

  test('what a node says of the others is learnt without a failure: the dead are asked last', async () => {
    const cluster = createFakeCluster();
    cluster.heldForDead.add('n1');
    await using client = await openOver(cluster);
    await client.get('default', KEY);
    cluster.heldForDead.clear();
    cluster.heldForDead.add('n2');
    await client.topology();
    await client.get('default', KEY);
    expect(cluster.calls.filter((call) => call.endsWith(' Get'))).toEqual(['n2/fabric Get', 'n1/fabric Get']);
  });

  test('a newer topology is found by looking, without a request that fails', async () => {
    vi.useFakeTimers();
    try {
      const cluster = createFakeCluster();
      await using client = await openOver(cluster);
      cluster.epoch = 2n;
      cluster.addresses.delete('n1');
      cluster.addresses.set('n1', { rpcAddress: 'n9.test:7401', fabricAddress: 'n9.test:7501' });
      await vi.advanceTimersByTimeAsync(1_500);
      expect(cluster.calls.filter((call) => call.endsWith('GetTopology'))).toHaveLength(1);
      await client.get('default', KEY);
      expect(cluster.calls.at(-1)).toBe('n9/fabric Get');
    } finally {
      vi.useRealTimers();
    }
  });

  test('what a node answered is reported rather than the silence of the others', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.reasons.set('n1', 'QUORUM_UNAVAILABLE');
    cluster.down.add('n2').add('n3');
    const error = await failure(client.get('default', KEY, { timeoutMs: 200 }));
    expect(error).toMatchObject({ reason: 'QUORUM_UNAVAILABLE', effect: 'none' });
  });

  test('a failure that repetition cannot mend is reported after one attempt', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.reasons.set('n1', 'KEY_TOO_LARGE');
    expect((await failure(client.get('default', KEY))).reason).toBe('KEY_TOO_LARGE');
    expect(cluster.calls).toEqual(['n1/fabric Get']);
  });
});

describe('put', () => {
  test('reads the context first, so that the value is replaced', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    await client.put('default', KEY, bytes('one'));
    cluster.write('key', 'other');
    await client.put('default', KEY, bytes('two'));
    expect(cluster.stored('key')).toEqual(['two']);
  });

  test('blind makes a sibling', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    await client.put('default', KEY, bytes('one'), { blind: true });
    await client.put('default', KEY, bytes('two'), { blind: true });
    expect(cluster.stored('key')).toEqual(['one', 'two']);
    expect(oneValue(await client.get('default', KEY)).kind).toBe('siblings');
  });

  test('with a context replaces only what that context covers', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    const { context } = await client.put('default', KEY, bytes('one'));
    cluster.write('key', 'other');
    await client.put('default', KEY, bytes('two'), { context });
    expect(cluster.stored('key')).toEqual(['other', 'two']);
  });

  test('what this client has seen can be the context, without handing it around', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    await client.put('default', KEY, bytes('one'));
    cluster.write('key', 'other');
    cluster.calls.length = 0;
    await client.put('default', KEY, bytes('two'), { context: 'seen' });
    expect(cluster.calls).toEqual(['n1/fabric Put']);
    expect(cluster.stored('key')).toEqual(['other', 'two']);
  });

  test('cannot be blind and have a context', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    const error = await failure(client.put('default', KEY, bytes('v'), { blind: true, context: 'seen' }));
    expect(error.reason).toBe('ARGUMENT_INVALID');
  });

  test.each(['applied', 'lost', 'refused'] as const)(
    'ends in one sibling when its first attempt is %s',
    async (fault) => {
      const cluster = createFakeCluster();
      await using client = await openOver(cluster);
      cluster.write('key', 'old');
      cluster.putFaults.push(fault, fault);
      const { context } = await client.put('default', KEY, bytes('new'));
      expect(cluster.stored('key')).toEqual(['new']);
      expect((await client.get('default', KEY)).context).toEqual(context);
    },
  );

  test.each(['applied', 'lost'] as const)(
    'with a context ends in one sibling when its first attempt is %s',
    async (fault) => {
      const cluster = createFakeCluster();
      await using client = await openOver(cluster);
      cluster.write('key', 'old');
      const { context } = await client.get('default', KEY);
      cluster.putFaults.push(fault);
      await client.put('default', KEY, bytes('new'), { context });
      expect(cluster.stored('key')).toEqual(['new']);
    },
  );

  test.each(['applied', 'lost'] as const)(
    'with a context, in doubt (%s) and beside another writer, keeps the value the caller never saw',
    async (fault) => {
      const cluster = createFakeCluster();
      await using client = await openOver(cluster);
      cluster.write('key', 'old');
      const { context } = await client.get('default', KEY);
      cluster.putFaults.push(fault);
      cluster.beforeFault = () => cluster.write('key', 'unseen');
      const error = await failure(client.put('default', KEY, bytes('new'), { context }));
      expect(error.effect).toBe('unknown');
      expect(cluster.stored('key')).toContain('unseen');
    },
  );

  test('blind and in doubt is not repeated', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.putFaults.push('applied');
    const error = await failure(client.put('default', KEY, bytes('v'), { blind: true }));
    expect(error.effect).toBe('unknown');
    expect(cluster.stored('key')).toEqual(['v']);
  });

  test('blind and refused is repeated', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.putFaults.push('refused');
    await client.put('default', KEY, bytes('v'), { blind: true });
    expect(cluster.stored('key')).toEqual(['v']);
  });

  test('stays in doubt when the record cannot be read again', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.putFaults.push('applied');
    cluster.beforeFault = () => {
      for (const id of ['n1', 'n2', 'n3']) cluster.down.add(id);
    };
    const error = await failure(client.put('default', KEY, bytes('v'), { timeoutMs: 300 }));
    expect(error).toMatchObject({ reason: 'QUORUM_UNAVAILABLE', effect: 'unknown' });
  });
});

describe('delete', () => {
  test('removes what is there, and an absent key is no failure', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.write('key', 'v');
    await client.delete('default', KEY);
    await client.delete('default', KEY);
    expect(oneValue(await client.get('default', KEY))).toEqual({ kind: 'absent' });
  });
});

describe('batch', () => {
  test('gives results in order, replaces what is there and reports single failures as values', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.write('a', 'old');
    const results = await client.batch([
      { op: 'put', keyspace: 'default', key: bytes('a'), value: bytes('new') },
      { op: 'put', keyspace: 'default', key: bytes('b'), value: bytes('much too large') },
      { op: 'get', keyspace: 'default', key: bytes('c') },
    ]);
    expect(results.map(({ ok, op }) => [ok, op])).toEqual([
      [true, 'put'],
      [false, 'put'],
      [true, 'get'],
    ]);
    expect(results[1]).toMatchObject({ error: { reason: 'VALUE_TOO_LARGE', effect: 'none' } });
    expect(cluster.stored('a')).toEqual(['new']);
  });
});

describe('scan', () => {
  async function keysOf(client: Client, options: Parameters<Client['scan']>[1] = {}): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of client.scan('default', options)) keys.push(new TextDecoder().decode(key));
    return keys;
  }

  test('brings the keys with the prefix, up to the limit', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    for (const key of ['a1', 'a2', 'a3', 'b1']) cluster.write(key, 'v');
    expect(await keysOf(client, { prefix: bytes('a') })).toEqual(['a1', 'a2', 'a3']);
    expect(await keysOf(client, { limit: 2 })).toEqual(['a1', 'a2']);
  });

  test('goes on at another node after the last record when its node dies', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    for (const key of ['a', 'b', 'c', 'd']) cluster.write(key, 'v');
    const keys: string[] = [];
    for await (const { key } of client.scan('default')) {
      keys.push(new TextDecoder().decode(key));
      if (keys.length === 2) cluster.down.add('n1');
    }
    expect(keys).toEqual(['a', 'b', 'c', 'd']);
  });

  test('fails with the reason that a node gave, or else with that of silence', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.write('a', 'v');
    cluster.down.add('n1').add('n2').add('n3');
    expect((await failure(keysOf(client, { timeoutMs: 200 }))).reason).toBe('FABRIC_UNAVAILABLE');
    cluster.down.delete('n2');
    cluster.reasons.set('n2', 'QUORUM_UNAVAILABLE');
    expect((await failure(keysOf(client, { timeoutMs: 200 }))).reason).toBe('QUORUM_UNAVAILABLE');
  });
});

describe('keyspaces and nodes', () => {
  test('a created keyspace is known to the client at once', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    expect(await client.keyspaces.create('photos', { replicationFactor: 2 })).toMatchObject({
      name: 'photos',
      replicationFactor: 2,
    });
    expect((await client.keyspaces.list()).map(({ name }) => name)).toEqual(['default', 'photos']);
    expect((await failure(client.keyspaces.create('photos'))).reason).toBe('KEYSPACE_EXISTS');
  });

  test('an unknown keyspace is refused without repetition', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    expect((await failure(client.get('nowhere', KEY))).reason).toBe('KEYSPACE_NOT_FOUND');
    expect(cluster.calls.filter((call) => call.endsWith(' Get'))).toHaveLength(1);
  });

  test('a node that is down is an entry with an error', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.down.add('n2');
    const states = await client.nodes();
    expect(states.map(({ member, status }) => [member.id, status?.state])).toEqual([
      ['n1', 'serving'],
      ['n2', undefined],
      ['n3', 'serving'],
    ]);
    expect(states[1]?.error).toMatch(/^FABRIC_UNAVAILABLE/);
  });
});

test('a node that fails all that is in flight at it fails no call, however many there are', async () => {
  const cluster = createFakeCluster();
  await using client = await openOver(cluster);
  cluster.reasons.set('n1', 'DEADLINE_EXCEEDED');
  const gets = Array.from({ length: 3_000 }, (_, at) => client.get('default', bytes(`key ${at}`)));
  const failed = (await Promise.allSettled(gets)).filter(({ status }) => status === 'rejected');
  expect(failed).toEqual([]);
  expect(cluster.calls.filter((call) => call === 'n1/fabric Get').length).toBeGreaterThan(500);
});

describe('lifetime', () => {
  test('close waits for calls in flight and refuses new ones', async () => {
    const cluster = createFakeCluster();
    const client = await openOver(cluster);
    const pending = client.put('default', KEY, bytes('v'));
    await client.close();
    await pending;
    await client.close();
    expect((await failure(client.get('default', KEY))).reason).toBe('SHUTTING_DOWN');
  });

  test('a cancelled call rejects with the reason of its signal', async () => {
    const cluster = createFakeCluster();
    await using client = await openOver(cluster);
    cluster.hanging.add('n1').add('n2').add('n3');
    const reason = new Error('changed my mind');
    const stop = new AbortController();
    const pending = client.get('default', KEY, { signal: stop.signal });
    stop.abort(reason);
    await expect(pending).rejects.toBe(reason);
  });

  test.each(['', 'ftp://x', 'http://a/path', 'http://'])('"%s" is no server', async (server) => {
    const error = await failure(openClientOver(createFakeCluster().dial, { servers: [server] }));
    expect(error.reason).toBe('ARGUMENT_INVALID');
  });
});
