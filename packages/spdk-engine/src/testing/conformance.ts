import assert from 'node:assert/strict';
import { StoreError } from '@ferrite/errors';
import type { ScanPageRequest, ScanPosition, StoredRecord } from '../object-store.ts';
import { bytes, generator, MiB, names, pattern, text } from './conformance-input.ts';
import { MANY } from './conformance-many.ts';
import {
  all,
  type Check,
  type ConformanceImage,
  type ConformanceTarget,
  found,
  IMAGE,
  partitions,
  refuses,
  rejects,
  type TestedStore,
} from './conformance-tools.ts';
import { partitionOf, xxh64 } from './xxh64.ts';

/** One sentence of the contract and how to try it; hand both to the test runner: `it(title, run)`. */
export interface ConformanceCase {
  readonly title: string;
  readonly run: () => Promise<void>;
}

/** The contract of `ObjectStore` and `Engine` as cases; each runs on a new image made by `create`. */
export function objectStoreConformance(
  create: (image: ConformanceImage) => Promise<ConformanceTarget>,
): readonly ConformanceCase[] {
  return Object.entries({ ...CHECKS, ...MANY }).map(([title, check]) => ({
    title,
    run: async () => {
      const target = await create(IMAGE);
      try {
        const store = await target.open();
        try {
          await check(store, target);
        } finally {
          await store.close();
        }
      } finally {
        await target.dispose();
      }
    },
  }));
}

const CHECKS: Record<string, Check> = {
  async 'answers undefined for a key it does not hold'(store) {
    assert.equal(await store.get(1, bytes('absent')), undefined);
    assert.equal(store.report.created, true);
  },

  async 'returns every byte of what was appended, whatever its size'(store) {
    const keys = [Uint8Array.of(0), bytes('k'.repeat(1024)), Uint8Array.of(0xff, 0, 0xff)];
    const sizes = [0, 1, 511, 4095, 4096, 4097, 65_536, MiB(1)];
    for (const key of keys) {
      for (const size of sizes) {
        const value = pattern(size);
        await store.append({ keyspace: 7, key, value }).durable;
        const record = await found(store, 7, key);
        assert.deepEqual([...record.key], [...key]);
        assert.equal(Buffer.compare(record.value, value), 0, `a value of ${size} bytes`);
      }
    }
  },

  async 'returns keyspace, partition, sequence, generation and expiry with the record'(store) {
    const key = bytes('dressed');
    const expiresAtMs = Date.UTC(2100, 0, 1);
    const last = 0xffff_ffff;
    const { sequence } = store.append({ keyspace: last, key, value: bytes('v'), generation: last, expiresAtMs });
    const { value: _, key: __, ...rest } = await found(store, last, key);
    const partition = partitionOf(xxh64(key), IMAGE.partitionBits);
    assert.deepEqual(rest, { keyspace: last, partition, sequence, generation: last, expiresAtMs });
  },

  async 'shows an accepted append to the next get, which waits until it is durable'(store) {
    const { durable } = store.append({ keyspace: 1, key: bytes('k'), value: bytes('1') });
    const order: string[] = [];
    const noted = durable.then(() => order.push('durable'));
    assert.equal(text(await store.get(1, bytes('k'))), '1');
    order.push('read');
    await noted;
    assert.deepEqual(order, ['durable', 'read']);
    store.remove(1, bytes('k'));
    assert.equal(await store.get(1, bytes('k')), undefined);
  },

  async 'lets the last append of a key win and numbers appends upwards'(store) {
    const appended = Array.from({ length: 50 }, (_, n) =>
      store.append({ keyspace: 1, key: bytes('k'), value: bytes(`${n}`) }),
    );
    await Promise.all(appended.map(({ durable }) => durable));
    for (const [n, { sequence }] of appended.entries()) {
      assert.ok(n === 0 ? sequence >= 1 : sequence > (appended[n - 1]?.sequence ?? 0));
    }
    const record = await found(store, 1, bytes('k'));
    assert.equal(text(record), '49');
    assert.equal(record.sequence, appended.at(-1)?.sequence);
  },

  async 'forgets a removed key and takes the removal of an absent one'(store) {
    store.append({ keyspace: 1, key: bytes('k'), value: bytes('v') });
    await store.remove(1, bytes('k')).durable;
    await store.remove(1, bytes('never there')).durable;
    assert.equal(await store.get(1, bytes('k')), undefined);
    assert.equal(store.stats().records, 0);
  },

  async 'keeps keyspaces apart'(store) {
    store.append({ keyspace: 0, key: bytes('k'), value: bytes('zero') });
    store.append({ keyspace: 1, key: bytes('k'), value: bytes('one') });
    store.remove(2, bytes('k'));
    assert.equal(text(await store.get(0, bytes('k'))), 'zero');
    assert.equal(text(await store.get(1, bytes('k'))), 'one');
    assert.equal((await all(store, 0)).length, 1);
  },

  async 'has copied key and value when append returns'(store) {
    const key = bytes('mutable');
    const value = pattern(5000);
    const { durable } = store.append({ keyspace: 1, key, value });
    const reading = store.get(1, key);
    key.fill(0);
    value.fill(0);
    await durable;
    assert.equal(Buffer.compare((await reading)?.value ?? value, pattern(5000)), 0);
    assert.equal(Buffer.compare((await found(store, 1, bytes('mutable'))).value, pattern(5000)), 0);
  },

  async 'stores a view into a larger buffer as that view'(store) {
    const whole = bytes('..key..value..');
    await store.append({ keyspace: 1, key: whole.subarray(2, 5), value: whole.subarray(7, 12) }).durable;
    assert.equal(text(await store.get(1, bytes('key'))), 'value');
  },

  async 'refuses what it cannot store, with a reason, and stays usable'(store) {
    const value = bytes('v');
    const key = bytes('k');
    refuses('KEY_EMPTY', () => store.append({ keyspace: 1, key: new Uint8Array(), value }));
    refuses('KEY_TOO_LARGE', () => store.append({ keyspace: 1, key: new Uint8Array(1025), value }));
    refuses('KEY_EMPTY', () => store.remove(1, new Uint8Array()));
    refuses('VALUE_TOO_LARGE', () => store.append({ keyspace: 1, key, value: new Uint8Array(MiB(18)) }));
    for (const keyspace of [-1, 1.5, 2 ** 32, Number.NaN]) {
      refuses('ARGUMENT_INVALID', () => store.append({ keyspace, key, value }));
    }
    refuses('ARGUMENT_INVALID', () => store.append({ keyspace: 1, key, value, generation: -1 }));
    refuses('ARGUMENT_INVALID', () => store.append({ keyspace: 1, key, value, expiresAtMs: 0.5 }));
    refuses('ARGUMENT_INVALID', () =>
      store.append({ keyspace: 1, key, value: new Uint8Array(new SharedArrayBuffer(8)) }),
    );
    const resizable = new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }));
    refuses('ARGUMENT_INVALID', () => store.append({ keyspace: 1, key: resizable, value }));
    // @ts-expect-error a caller without types
    refuses('ARGUMENT_INVALID', () => store.append({ keyspace: 1, key: 'text', value }));
    await rejects('KEY_EMPTY', store.get(1, new Uint8Array()));
    await rejects('KEY_TOO_LARGE', store.get(1, new Uint8Array(1025)));
    await rejects('ARGUMENT_INVALID', store.scanPage({ keyspace: 1, partition: 2 ** IMAGE.partitionBits }));
    await rejects('ARGUMENT_INVALID', store.scanPage({ keyspace: 1, partition: 0, maxRecords: 0 }));
    await rejects('ARGUMENT_INVALID', store.scanPage({ keyspace: 1, partition: 0, maxBytes: 0 }));
    const elsewhere = { hash: 1n << 63n, key };
    await rejects('ARGUMENT_INVALID', store.scanPage({ keyspace: 1, partition: 0, after: elsewhere }));
    await store.append({ keyspace: 1, key, value }).durable;
    assert.equal(text(await store.get(1, key)), 'v');
  },

  async 'scans a partition in the order of hash and key, all of it and nothing else'(store) {
    const expected = names(400);
    for (const name of expected) store.append({ keyspace: 3, key: bytes(name), value: bytes(`v${name}`) });
    await store.flush();
    const seen: string[] = [];
    for (const partition of partitions()) {
      const records = await all(store, 3, partition);
      const hashes = records.map(({ key }) => xxh64(key));
      for (const [index, hash] of hashes.entries()) {
        assert.equal(partitionOf(hash, IMAGE.partitionBits), partition);
        assert.ok(index === 0 || (hashes[index - 1] ?? hash) < hash, 'ascending');
      }
      for (const record of records) assert.equal(text(record), `v${Buffer.from(record.key).toString()}`);
      seen.push(...records.map(({ key }) => Buffer.from(key).toString()));
    }
    assert.deepEqual(new Set(seen), new Set(expected));
    assert.equal(seen.length, expected.length);
  },

  async 'resumes a scan after a position, and pages hold to their limits'(store) {
    for (const name of names(300)) store.append({ keyspace: 3, key: bytes(name), value: pattern(100) });
    const whole = await all(store, 3, 5);
    assert.ok(whole.length > 6);
    for (const limit of [{ maxRecords: 1 }, { maxRecords: 3 }, { maxBytes: 1 }, { maxBytes: 350 }]) {
      const records: StoredRecord[] = [];
      let after: ScanPosition | undefined;
      do {
        const request: ScanPageRequest = { keyspace: 3, partition: 5, ...limit };
        const page = await store.scanPage(after === undefined ? request : { ...request, after });
        assert.ok(page.records.length <= (limit.maxRecords ?? 4));
        records.push(...page.records);
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(records, whole);
    }
    const middle = whole[3]?.key ?? new Uint8Array();
    const hash = xxh64(middle);
    const { records } = await store.scanPage({ keyspace: 3, partition: 5, after: { hash, key: middle } });
    assert.deepEqual(records, whole.slice(4));
    await store.remove(3, middle).durable;
    const behind = await store.scanPage({ keyspace: 3, partition: 5, after: { hash, key: middle } });
    assert.deepEqual(behind.records, records, 'the place of a removed key is still a place');
  },

  async 'leaves values away when a scan asks for keys only'(store) {
    for (const name of names(100)) store.append({ keyspace: 3, key: bytes(name), value: pattern(100) });
    const { records } = await store.scanPage({ keyspace: 3, partition: 0, values: false });
    assert.ok(records.length > 0);
    for (const { value } of records) assert.equal(value.byteLength, 0);
  },

  async 'ends a scan early when its reader does'(store) {
    for (const name of names(200)) store.append({ keyspace: 3, key: bytes(name), value: pattern(10) });
    let read = 0;
    for await (const _ of store.scan({ keyspace: 3, partition: 1, maxRecords: 2 })) {
      read += 1;
      if (read === 3) break;
    }
    assert.equal(read, 3);
  },

  async 'reads what was there when it was asked, or newer, among thousands of overlapping operations'(store) {
    const histories = new Map<string, (string | undefined)[]>();
    const next = generator(12_345);
    const reading: Promise<void>[] = [];
    const durable: Promise<void>[] = [];
    for (let step = 0; step < 3000; step += 1) {
      const name = `key ${next() % 97}`;
      const key = bytes(name);
      const history = histories.get(name) ?? [undefined];
      histories.set(name, history);
      const choice = next() % 10;
      if (choice < 5) {
        const value = `${name} at ${step}`.padEnd(next() % 3000, '.');
        durable.push(store.append({ keyspace: 9, key, value: bytes(value) }).durable);
        history.push(value);
      } else if (choice < 6) {
        durable.push(store.remove(9, key).durable);
        history.push(undefined);
      } else {
        const from = history.length - 1;
        reading.push(store.get(9, key).then((record) => assert.ok(history.slice(from).includes(text(record)))));
      }
      if (step % 50 === 49) await Promise.all(reading.splice(0));
    }
    await Promise.all([...reading, ...durable]);
    const stored = new Map((await all(store, 9)).map((record) => [Buffer.from(record.key).toString(), text(record)]));
    const last = [...histories].map(([name, history]) => [name, history.at(-1)] as const);
    assert.deepEqual(stored, new Map(last.filter(([, value]) => value !== undefined)));
    assert.equal(store.stats().records, stored.size);
  },

  async 'settles durable promises before the flush that was asked for after them'(store) {
    const order: string[] = [];
    const appended = names(20).map((name) => store.append({ keyspace: 1, key: bytes(name), value: bytes('v') }));
    const settled = appended.map(({ durable }) => durable.then(() => order.push('append')));
    await store.flush().then(() => order.push('flush'));
    await Promise.all(settled);
    assert.equal(order.length, 21);
    assert.equal(order.at(-1), 'flush');
    await store.flush();
  },

  async 'refuses appends to a full device and goes on reading and removing'(store) {
    const accepted: { name: string; durable: Promise<void> }[] = [];
    for (let n = 0; ; n += 1) {
      assert.ok(n < 500, 'a full device must say so');
      const name = `big ${n}`;
      const outcome = await fill(store, name);
      if (outcome === 'full') break;
      accepted.push({ name, durable: outcome.durable });
    }
    await Promise.all(accepted.map(({ durable }) => durable));
    assert.ok(accepted.length >= 20, `only ${accepted.length} MiB of 64 were accepted`);
    for (const { name } of accepted) {
      assert.equal(Buffer.compare((await found(store, 1, bytes(name))).value, pattern(MiB(1))), 0);
    }
    for (const { name } of accepted.slice(0, 10)) await store.remove(1, bytes(name)).durable;
    await store.dropPartition(1, 0).durable;
    assert.equal(await store.get(1, bytes('big 0')), undefined);
  },

  async 'closes once, keeps what it accepted, and refuses everything afterwards'(store, target) {
    const { durable } = store.append({ keyspace: 1, key: bytes('last'), value: bytes('words') });
    const reading = store.get(1, bytes('last'));
    const first = store.close();
    refuses('SHUTTING_DOWN', () => store.append({ keyspace: 1, key: bytes('k'), value: bytes('v') }));
    await Promise.all([first, store.close(), durable]);
    assert.equal(text(await reading), 'words');
    await store.close();
    refuses('SHUTTING_DOWN', () => store.remove(1, bytes('k')));
    await rejects('SHUTTING_DOWN', store.get(1, bytes('k')));
    await rejects('SHUTTING_DOWN', store.scanPage({ keyspace: 1, partition: 0 }));
    await rejects('SHUTTING_DOWN', store.flush());
    if (!target.persistent) return;
    await using again = await target.open();
    assert.equal(text(await again.get(1, bytes('last'))), 'words');
  },

  async 'opens again with every record, clean, and with sequences that go on'(store, target) {
    if (!target.persistent) return;
    for (const name of names(200)) {
      store.append({ keyspace: 2, key: bytes(name), value: bytes(name), generation: 3, expiresAtMs: 9 });
    }
    for (const name of names(50)) store.remove(2, bytes(name));
    const { sequence } = store.append({ keyspace: 2, key: bytes(names(60)[59] ?? ''), value: bytes('new') });
    const before = await all(store, 2);
    await store.close();
    await using again = await target.open();
    const { created, clean, tail, damaged, records } = again.report;
    assert.deepEqual(
      { created, clean, tail, damaged, records },
      { created: false, clean: true, tail: 'sealed', damaged: [], records: 150 },
    );
    const after = await all(again, 2);
    assert.deepEqual(after, before);
    assert.ok(again.append({ keyspace: 2, key: bytes('k'), value: bytes('v') }).sequence > sequence);
  },
};

/** Appends one MiB, waiting out full queues; the promise comes wrapped so that it is not awaited here. */
async function fill(store: TestedStore, name: string): Promise<{ durable: Promise<void> } | 'full'> {
  for (;;) {
    try {
      return store.append({ keyspace: 1, key: bytes(name), value: pattern(MiB(1)) });
    } catch (error) {
      if (StoreError.is(error) && error.reason === 'DEVICE_FULL') return 'full';
      if (!StoreError.is(error) || error.reason !== 'OVERLOADED') throw error;
      await store.flush();
    }
  }
}
