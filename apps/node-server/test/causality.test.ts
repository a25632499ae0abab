import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base64, type JsonClient, jsonClient, must, refused } from './json-client.ts';
import { type LocalCluster, startLocalCluster } from './local-cluster.ts';

describe('a live cluster', () => {
  let cluster: LocalCluster;
  let one: JsonClient;
  let two: JsonClient;
  let three: JsonClient;

  beforeAll(async () => {
    cluster = await startLocalCluster();
    [one, two, three] = cluster.nodes.map((node) => jsonClient(node.url)) as [JsonClient, JsonClient, JsonClient];
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  it('shows a put of one node to a get at another', async () => {
    const put = must(await one.put('hello', 'world'));
    expect(put.durableReplicas).toBeGreaterThanOrEqual(2);
    expect(must(await two.get('hello')).values).toEqual(['world']);
  });

  it('says in JSON how many replicas acknowledged, even when the count is zero', async () => {
    expect(must(await one.put('counts', 'x'))).toHaveProperty('hintedReplicas', 0);
  });

  it('answers an absent key with no siblings and no error', async () => {
    expect(must(await three.get('nothing here')).values).toEqual([]);
  });

  it('keeps two puts without context as two siblings, and replaces both by a put with their context', async () => {
    must(await one.put('pair', 'a'));
    must(await two.put('pair', 'b'));
    const both = must(await three.get('pair'));
    expect(both.values).toEqual(['a', 'b']);
    must(await one.put('pair', 'merged', { context: both.context }));
    expect(must(await two.get('pair')).values).toEqual(['merged']);
  });

  it('never lets an old context overwrite a newer value', async () => {
    must(await one.put('old', 'first'));
    const old = must(await one.get('old')).context;
    must(await two.put('old', 'newer', { context: old }));
    must(await three.put('old', 'late', { context: old }));
    expect(must(await one.get('old')).values).toEqual(['late', 'newer']);
  });

  it('keeps what B wrote when A puts again with the context that its own put returned', async () => {
    const a = must(await one.put('writers', 'a1'));
    must(await two.put('writers', 'b1'));
    must(await one.put('writers', 'a2', { context: a.context }));
    expect(must(await three.get('writers')).values).toEqual(['a2', 'b1']);
  });

  it('refuses a context that belongs to another key, and one that was tampered with', async () => {
    const { context } = must(await one.put('mine', 'x'));
    expect(refused(await one.put('other', 'y', { context })).reason).toBe('CONTEXT_INVALID');
    expect(refused(await one.put('mine', 'y', { context: base64('garbage') })).reason).toBe('CONTEXT_INVALID');
    const bytes = Buffer.from(context, 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 1;
      expect(refused(await one.put('mine', 'y', { context: base64(broken) })).reason, `byte ${at}`).toBe(
        'CONTEXT_INVALID',
      );
    }
    expect(must(await one.get('mine')).values).toEqual(['x']);
  });

  it('deletes what a quorum read sees when no context is given, and stays deleted', async () => {
    must(await one.put('gone', 'a'));
    must(await two.put('gone', 'b'));
    must(await three.delete('gone'));
    expect(must(await one.get('gone')).values).toEqual([]);
    must(await one.put('gone', 'back'));
    expect(must(await two.get('gone')).values).toEqual(['back']);
  });

  it('refuses the 65th concurrent value, and takes a put that merges them', async () => {
    for (let i = 0; i < 64; i++) must(await one.put('crowd', `value ${i}`));
    expect(refused(await one.put('crowd', 'one too many'))).toMatchObject({
      reason: 'SIBLINGS_EXCEEDED',
      effect: 'none',
    });
    const { context, values } = must(await two.get('crowd'));
    expect(values).toHaveLength(64);
    must(await three.put('crowd', 'merged', { context }));
    expect(must(await one.get('crowd')).values).toEqual(['merged']);
  });

  it('runs a batch of independent operations and gives their results in order', async () => {
    const op = (value: string): unknown => ({ put: { key: base64('batch'), value: base64(value) } });
    const reply = must(
      await one.call<{ results: Record<string, unknown>[] }>('ferrite.kv.v1.KvService', 'Batch', {
        ops: [op('1'), { get: { key: '' } }, { get: { key: base64('no such key') } }],
      }),
    );
    expect(reply.results.map((result) => Object.keys(result)[0])).toEqual(['put', 'error', 'get']);
    expect(reply.results[1]).toMatchObject({ error: { code: 'invalid_argument', detail: { reason: 'KEY_EMPTY' } } });
  });

  it('keeps the process and the data unharmed by bad input, and names each reason', async () => {
    must(await one.put('safe', 'kept'));
    const cases: [string, unknown][] = [
      ['KEY_EMPTY', { key: '', value: base64('v') }],
      ['KEY_TOO_LARGE', { key: base64(new Uint8Array(1025)), value: base64('v') }],
      ['VALUE_TOO_LARGE', { key: base64('k'), value: base64(new Uint8Array(8 * 1024 * 1024 + 1)) }],
      ['KEYSPACE_NOT_FOUND', { keyspace: 'nowhere', key: base64('k'), value: base64('v') }],
      ['CONTEXT_INVALID', { key: base64('k'), value: base64('v'), context: base64(new Uint8Array(70_000)) }],
    ];
    for (const [reason, request] of cases) {
      const error = refused(await one.call('ferrite.kv.v1.KvService', 'Put', request));
      expect(error.reason).toBe(reason);
      expect(error.message).toMatch(new RegExp(`^${reason}: .+\\. [A-Z].+\\.$`));
      expect(error.effect).toBe('none');
    }
    expect(refused(await one.call('ferrite.kv.v1.KvService', 'Watch', {})).status).toBeGreaterThanOrEqual(400);
    expect(must(await two.get('safe')).values).toEqual(['kept']);
  });

  it('stores keys and values of any bytes up to the limits', async () => {
    const key = base64(Uint8Array.from({ length: 1024 }, (_, i) => i));
    const value = base64(new Uint8Array(8 * 1024 * 1024).fill(7));
    must(await one.call('ferrite.kv.v1.KvService', 'Put', { key, value }, 20_000));
    const got = must(
      await two.call<{ siblings: { value: string }[] }>('ferrite.kv.v1.KvService', 'Get', { key }, 20_000),
    );
    expect(got.siblings[0]?.value === value).toBe(true);
    must(await one.call('ferrite.kv.v1.KvService', 'Put', { key: base64('empty'), value: '' }));
    expect(must(await three.get('empty')).values).toEqual(['']);
  });
});
