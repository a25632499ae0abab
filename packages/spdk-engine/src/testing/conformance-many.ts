import assert from 'node:assert/strict';
import { bytes, names, text } from './conformance-input.ts';
import { all, type Check, IMAGE, refuses, type TestedStore } from './conformance-tools.ts';
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
};
