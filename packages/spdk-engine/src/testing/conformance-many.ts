import assert from 'node:assert/strict';
import { bytes, names, text } from './conformance-input.ts';
import { all, type Check, found, IMAGE, refuses, type TestedStore } from './conformance-tools.ts';
import { partitionOf, xxh64 } from './xxh64.ts';

/** Operations on many records at once. */
export const MANY: Record<string, Check> = {
  async 'drops a partition: what was accepted before is gone at once, what comes after stays'(store, target) {
    const mine = names(200).filter((name) => partitionOf(xxh64(bytes(name)), IMAGE.partitionBits) === 3);
    const [first = '', second = ''] = mine;
    for (const name of names(200)) {
      store.append({ keyspace: 1, key: bytes(name), value: bytes('old') });
      store.append({ keyspace: 2, key: bytes(name), value: bytes('elsewhere') });
    }
    const { sequence, durable } = store.dropPartition(1, 3);
    assert.equal(await store.get(1, bytes(second)), undefined);
    const after = store.append({ keyspace: 1, key: bytes(first), value: bytes('new') });
    assert.ok(after.sequence > sequence);
    await durable;
    await after.durable;
    await store.dropPartition(9, 3).durable;
    const check = async (tested: TestedStore): Promise<void> => {
      assert.deepEqual((await all(tested, 1, 3)).map(text), ['new']);
      assert.equal((await all(tested, 1)).length, 201 - mine.length);
      assert.equal((await all(tested, 2)).length, 200);
      assert.equal(tested.stats().records, 401 - mine.length);
    };
    await check(store);
    refuses('ARGUMENT_INVALID', () => store.dropPartition(1, 2 ** IMAGE.partitionBits));
    refuses('ARGUMENT_INVALID', () => store.dropPartition(-1, 0));
    await store.close();
    refuses('SHUTTING_DOWN', () => store.dropPartition(1, 0));
    if (!target.persistent) return;
    await using again = await target.open();
    await check(again);
  },

  async 'takes a batch as one: in order, with sequences that follow, all of it at once'(store, target) {
    for (const name of names(4)) store.append({ keyspace: 1, key: bytes(name), value: bytes('old') });
    const [a = '', b = '', c = '', d = ''] = names(4);
    const key = bytes(a);
    const before = store.append({ keyspace: 5, key, value: bytes('before') }).sequence;
    const { firstSequence, durable } = store.batch([
      { append: { keyspace: 1, key, value: bytes('first'), generation: 7, expiresAtMs: 4_000_000_000_000 } },
      { remove: { keyspace: 1, key: bytes(b) } },
      { append: { keyspace: 2, key: bytes(c), value: new Uint8Array() } },
      { remove: { keyspace: 1, key: bytes(d) } },
      { append: { keyspace: 1, key: bytes(d), value: bytes('again') } },
    ]);
    key.fill(0);
    assert.equal(firstSequence, before + 1);
    assert.equal(store.append({ keyspace: 5, key: bytes('after'), value: bytes('v') }).sequence, before + 6);
    const shown = await Promise.all([a, b, c, d].map((name) => store.get(1, bytes(name))));
    assert.deepEqual(shown.map(text), ['first', undefined, 'old', 'again']);
    await durable;
    const check = async (tested: TestedStore): Promise<void> => {
      const first = await found(tested, 1, bytes(a));
      assert.deepEqual([first.sequence, first.generation, first.expiresAtMs], [firstSequence, 7, 4_000_000_000_000]);
      assert.equal((await found(tested, 2, bytes(c))).value.length, 0);
      assert.equal((await found(tested, 1, bytes(d))).sequence, before + 5);
      assert.equal(tested.stats().records, 6);
    };
    await check(store);
    await store.close();
    refuses('SHUTTING_DOWN', () => store.batch([{ remove: { keyspace: 1, key: bytes(a) } }]));
    if (!target.persistent) return;
    await using again = await target.open();
    await check(again);
  },

  async 'refuses a batch as a whole and takes nothing of it'(store) {
    const good = { append: { keyspace: 1, key: bytes('good'), value: bytes('v') } };
    const { sequence } = store.append({ keyspace: 1, key: bytes('first'), value: bytes('v') });
    refuses('ARGUMENT_INVALID', () => store.batch([]));
    refuses('ARGUMENT_INVALID', () => store.batch(Array.from({ length: 4097 }, () => good)));
    refuses('KEY_EMPTY', () => store.batch([good, { remove: { keyspace: 1, key: new Uint8Array() } }]));
    refuses('KEY_TOO_LARGE', () => store.batch([good, { remove: { keyspace: 1, key: new Uint8Array(1025) } }]));
    refuses('ARGUMENT_INVALID', () => store.batch([good, { remove: { keyspace: -1, key: bytes('k') } }]));
    // @ts-expect-error a caller without types
    refuses('ARGUMENT_INVALID', () => store.batch([good, {}]));
    const { batchBytesMax } = store.report;
    const half = new Uint8Array(Math.floor(batchBytesMax / 2));
    const large = ['a', 'b'].map((name) => ({ append: { keyspace: 1, key: bytes(name), value: half } }));
    refuses('VALUE_TOO_LARGE', () => store.batch(large));
    const fitting = Math.floor(batchBytesMax / 32) * 16 - 64;
    const full = ['a', 'b'].map((name) => ({
      append: { keyspace: 1, key: bytes(name), value: new Uint8Array(fitting) },
    }));
    const { firstSequence, durable } = store.batch(full);
    assert.equal(firstSequence, sequence + 1);
    await durable;
    assert.equal(await store.get(1, bytes('good')), undefined);
    assert.equal((await found(store, 1, bytes('b'))).value.length, fitting);
    const most = Array.from({ length: 4096 }, (_, n) => ({ remove: { keyspace: 1, key: bytes(`${n}`) } }));
    await store.batch(most).durable;
  },
};
