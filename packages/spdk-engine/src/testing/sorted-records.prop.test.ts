import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StoredRecord } from '../object-store.ts';
import { SortedRecords } from './sorted-records.ts';
import { xxh64 } from './xxh64.ts';

const keys = fc.uint8Array({ minLength: 1, maxLength: 3 });
const steps = fc.array(fc.record({ key: keys, remove: fc.boolean() }), { maxLength: 100 });

function recordOf(key: Uint8Array, sequence: number): StoredRecord {
  return { keyspace: 1, partition: 0, key, value: key, sequence, generation: 0, expiresAtMs: 0 };
}

it('law: after any puts and deletes it is the sorted list of what a map holds', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const sorted = new SortedRecords();
      const model = new Map<string, StoredRecord>();
      for (const [sequence, { key, remove }] of all.entries()) {
        const name = Buffer.from(key).toString('hex');
        const record = recordOf(key, sequence);
        const old = remove ? sorted.delete(xxh64(key), key) : sorted.set({ hash: xxh64(key), record });
        expect(old).toBe(model.get(name));
        if (remove) model.delete(name);
        else model.set(name, record);
      }
      const expected = [...model.values()].sort(
        (a, b) =>
          Number(xxh64(a.key) > xxh64(b.key)) - Number(xxh64(a.key) < xxh64(b.key)) || Buffer.compare(a.key, b.key),
      );
      expect([...sorted].map(({ record }) => record)).toEqual(expected);
      for (const { key } of all) {
        const found = sorted.get(xxh64(key), key);
        expect(found).toBe(model.get(Buffer.from(key).toString('hex')));
        const after = sorted.at(sorted.seekAfter(xxh64(key), key));
        expect(after?.record).not.toBe(found ?? null);
      }
    }),
  );
});
