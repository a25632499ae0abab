import { expect, it } from 'vitest';
import { UNREADABLE_MAX } from './limits.ts';
import { placeOf } from './place.ts';
import { UnreadableRecords } from './unreadable-records.ts';

const record = (at: number, held = false) => ({ keyspaceId: 1, partition: 0, key: Uint8Array.of(at >> 8, at), held });

it('knows a record by its keyspace and its key, until it is removed or its partition goes', () => {
  const records = new UnreadableRecords();
  expect(records.add(record(1))).toBe(true);
  expect(records.add(record(1))).toBe(false);
  records.add({ ...record(2), partition: 7 });
  expect(records.has(1, record(1).key)).toBe(true);
  expect(records.has(2, record(1).key)).toBe(false);
  records.removePartition(7);
  expect(records.all()).toHaveLength(1);
  records.remove(record(1));
  expect(records.size).toBe(0);
});

it('is full at its bound', () => {
  const records = new UnreadableRecords();
  for (let at = 0; at < UNREADABLE_MAX; at++) records.add(record(at));
  expect(records.isFull).toBe(true);
  expect(records.has(1, record(UNREADABLE_MAX - 1).key)).toBe(true);
});

it('tells which lie in a part of a partition, and how many of those are still damaged', () => {
  const records = new UnreadableRecords();
  for (const at of [1, 2, 3]) records.add(record(at));
  records.overwritten(1, record(2).key);
  expect(records.within(1, 0, undefined, undefined)).toMatchObject({ unread: 2 });
  const places = [1, 2, 3].map((at) => placeOf(record(at).key)).sort((a, b) => (a.hash < b.hash ? -1 : 1));
  expect(records.within(1, 0, places[0], places[1]).keys).toEqual([places[1]!.key]);
  expect(records.within(1, 1, undefined, undefined).keys).toEqual([]);
  expect(records.within(2, 0, undefined, undefined).keys).toEqual([]);
});

it('tells damage found again after it was written over from damage found twice', () => {
  const records = new UnreadableRecords();
  records.add(record(1));
  records.add(record(1));
  expect(records.openings(record(1))).toBe(1);
  records.overwritten(1, record(1).key);
  records.add(record(1));
  expect(records.openings(record(1))).toBe(2);
});

it('takes a record that was only doubted for lost when it is found damaged', () => {
  const records = new UnreadableRecords();
  records.add(record(1, true));
  expect(records.within(1, 0, undefined, undefined).unread).toBe(0);
  records.add(record(1));
  expect(records.all()[0]).toMatchObject({ held: false });
  expect(records.within(1, 0, undefined, undefined).unread).toBe(1);
});
