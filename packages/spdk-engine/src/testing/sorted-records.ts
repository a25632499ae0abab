import type { StoredRecord } from '../object-store.ts';

/** A record and the hash it is ordered by. */
export interface HashedRecord {
  readonly hash: bigint;
  readonly record: StoredRecord;
}

/** The records of one keyspace in the order (hash, key): the engine's index as an array. */
export class SortedRecords {
  readonly #entries: HashedRecord[] = [];

  /** Index of the first record at or after the position. */
  seek(hash: bigint, key: Uint8Array): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && isBefore(entry, hash, key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the first record strictly after the position. */
  seekAfter(hash: bigint, key: Uint8Array): number {
    const index = this.seek(hash, key);
    const entry = this.#entries[index];
    return entry !== undefined && isAt(entry, hash, key) ? index + 1 : index;
  }

  at(index: number): HashedRecord | undefined {
    return this.#entries[index];
  }

  get(hash: bigint, key: Uint8Array): StoredRecord | undefined {
    const entry = this.#entries[this.seek(hash, key)];
    return entry !== undefined && isAt(entry, hash, key) ? entry.record : undefined;
  }

  /** Puts a record in its place and returns the one it replaces. */
  set(entry: HashedRecord): StoredRecord | undefined {
    const old = this.get(entry.hash, entry.record.key);
    this.#entries.splice(this.seek(entry.hash, entry.record.key), old === undefined ? 0 : 1, entry);
    return old;
  }

  delete(hash: bigint, key: Uint8Array): StoredRecord | undefined {
    const old = this.get(hash, key);
    if (old !== undefined) this.#entries.splice(this.seek(hash, key), 1);
    return old;
  }

  /** Takes out every record of a partition and returns them. */
  deletePartition(partition: number): HashedRecord[] {
    const first = this.#entries.findIndex(({ record }) => record.partition === partition);
    if (first < 0) return [];
    const behind = this.#entries.findIndex(({ record }, index) => index > first && record.partition !== partition);
    return this.#entries.splice(first, (behind < 0 ? this.#entries.length : behind) - first);
  }

  get size(): number {
    return this.#entries.length;
  }

  [Symbol.iterator](): IterableIterator<HashedRecord> {
    return this.#entries.values();
  }
}

function isBefore(entry: HashedRecord, hash: bigint, key: Uint8Array): boolean {
  return entry.hash < hash || (entry.hash === hash && Buffer.compare(entry.record.key, key) < 0);
}

function isAt(entry: HashedRecord, hash: bigint, key: Uint8Array): boolean {
  return entry.hash === hash && Buffer.compare(entry.record.key, key) === 0;
}
