import { ClassicLevel } from 'classic-level';
import { open } from 'lmdb';
import { borrowedKey, randomBelow, VALUE, VALUE_BYTES } from './data-set.ts';
import { runLoad, withOwnCpu } from './load.ts';
import type { NpmStoreLoad } from './peers/npm-store.ts';
import type { Figure } from './suite.ts';
import { serveParent } from './worker.ts';

// One embedded store of npm, in a process of its own: told what to do over the channel to its parent.

const BATCH = 1000;

interface Store {
  /** Settles when it is durable. */
  put(key: Uint8Array, value: Uint8Array): Promise<unknown>;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Not durable one by one. */
  fill(numbers: readonly number[]): Promise<unknown>;
}

const [kind, path = '', count = '0'] = process.argv.slice(2);
const records = Number(count);
const keyOf = (number: number): Uint8Array => Buffer.from(borrowedKey(number));

function openLmdb(): Store {
  const db = open<Uint8Array, Uint8Array>({
    path,
    keyEncoding: 'binary',
    encoding: 'binary',
    compression: false,
    overlappingSync: false,
    mapSize: 16 * 1024 ** 3,
  });
  return {
    put: (key, value) => db.put(key, value),
    get: async (key) => db.get(key),
    fill: (numbers) => Promise.all(numbers.map((number) => db.put(keyOf(number), VALUE))),
  };
}

function openLevel(): Store {
  const binary = { keyEncoding: 'view', valueEncoding: 'view' } as const;
  const cacheSize = Math.max(1, Math.round((records * VALUE_BYTES) / 64));
  const db = new ClassicLevel<Uint8Array, Uint8Array>(path, { ...binary, compression: false, cacheSize });
  return {
    put: (key, value) => db.put(key, value, { sync: true }),
    get: (key) => db.get(key),
    fill: (numbers) => db.batch(numbers.map((number) => ({ type: 'put', key: keyOf(number), value: VALUE }))),
  };
}

const store = kind === 'lmdb' ? openLmdb() : openLevel();

async function fill(): Promise<Figure> {
  const started = performance.now();
  for (let at = 0; at < records; at += BATCH) {
    await store.fill(Array.from({ length: Math.min(BATCH, records - at) }, (_, each) => at + each));
  }
  return { rate: records / ((performance.now() - started) / 1000) };
}

async function get(): Promise<void> {
  if ((await store.get(keyOf(randomBelow(records)))) === undefined) throw new Error('a get found nothing');
}

serveParent<NpmStoreLoad, Figure>(async ({ operation, inFlight, seconds }) => {
  if (operation === 'fill') return await fill();
  const one = operation === 'get' ? get : () => store.put(keyOf(randomBelow(records)), VALUE);
  return await withOwnCpu(() => runLoad(inFlight, seconds, one));
});
