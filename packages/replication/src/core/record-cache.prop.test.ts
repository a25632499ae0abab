import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordCache } from './record-cache.ts';
import { RecordKey } from './record-key.ts';

/** Few, so that they come again. */
const key = fc.uint8Array({ minLength: 1, maxLength: 2, max: 5 });
const record = fc.uint8Array({ maxLength: 60 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('set' as const), keyspace: fc.integer({ min: 1, max: 2 }), key, record }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('get' as const), keyspace: fc.integer({ min: 1, max: 2 }), key }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('remove' as const), keyspace: fc.integer({ min: 1, max: 2 }), key }),
  },
);

describe('the cache of records', () => {
  it('gives the last record of a key or nothing, however small it is and whatever else it holds', () => {
    let hits = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20_000 }),
        fc.array(step, { minLength: 50, maxLength: 400 }),
        (size, steps) => {
          const cache = new RecordCache(size);
          const truth = new Map<string, Uint8Array>();
          for (const each of steps) {
            const at = new RecordKey(each.keyspace, each.key);
            const name = `${each.keyspace}/${each.key.join()}`;
            if (each.do === 'set') {
              cache.set(at, each.record);
              truth.set(name, each.record);
            } else if (each.do === 'remove') {
              cache.set(at, undefined);
              truth.delete(name);
            }
            const found = cache.get(at);
            if (found === undefined) continue;
            hits++;
            expect(found).toEqual(truth.get(name));
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(hits).toBeGreaterThan(1000);
  });

  it('keeps what fits, drops the oldest first, and nothing survives a clearing', () => {
    const cache = new RecordCache(64 * 1024);
    const at = (number: number): RecordKey => new RecordKey(1, new TextEncoder().encode(`key ${number}`));
    const bytes = new Uint8Array(200).fill(7);
    for (let number = 0; number < 100; number++) cache.set(at(number), bytes);
    const held = (from: number, to: number): number =>
      Array.from({ length: to - from }, (_, index) => cache.get(at(from + index))).filter((each) => each !== undefined)
        .length;
    // Two keys may share a place.
    expect(held(0, 100)).toBeGreaterThan(50);
    for (let number = 100; number < 2000; number++) cache.set(at(number), bytes);
    expect(held(0, 100)).toBe(0);
    expect(held(1900, 2000)).toBeGreaterThan(50);
    cache.clear();
    expect(held(0, 2000)).toBe(0);
  });

  it('what it gives is not written over later', () => {
    const cache = new RecordCache(16 * 1024);
    const at = new RecordKey(1, new Uint8Array([1]));
    cache.set(at, new Uint8Array([1, 2, 3]));
    const found = cache.get(at);
    for (let number = 0; number < 1000; number++)
      cache.set(new RecordKey(2, new Uint8Array([number & 255, number >> 8])), new Uint8Array(100));
    expect(found).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('a record too large for it takes the place of what was known', () => {
    const cache = new RecordCache(16 * 1024);
    const at = new RecordKey(1, new Uint8Array([1]));
    cache.set(at, new Uint8Array([1, 2, 3]));
    cache.set(at, new Uint8Array(10_000));
    expect(cache.get(at)).toBeUndefined();
  });
});
