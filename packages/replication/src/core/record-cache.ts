import type { RecordKey } from './record-key.ts';

/** Bytes before each entry: where it begins (8), slot, keyspace, bytes of the key, bytes of the record. */
const HEAD_BYTES = 24;
const ALIGNMENT = 8;
/** Entries larger than this part of the memory are not kept: they would cost too many others. */
const LARGEST_PART = 64;
/** Bytes of memory for each place in the table. */
const BYTES_PER_PLACE = 512;

/**
 * The records that were written or read last, so that most reads ask neither the engine nor the medium: a ring of bytes,
 * written round and round over what is oldest, and a table of where each key's entry begins. Both have their size for good
 * and hold no objects. It knows exactly what the engine has accepted, or nothing: whoever changes a record says so, and
 * whoever learns that the medium may have lost something clears it (INV-REPL-27).
 *
 * A table of one place a slot, as of hardware: of two keys that share a place, the later one has it. After the log-structured
 * memory of Rumble, Kejriwal, Ousterhout (FAST 2014), without its cleaner: what is old is dropped, not moved.
 */
export class RecordCache {
  readonly #ring: Uint8Array;
  readonly #view: DataView;
  /** Where the entry of a place begins, counted from the beginning of time; 0: none. */
  readonly #table: Float64Array;
  readonly #mask: number;
  /** What has been written in all; the next entry begins here. From one ring on, so that 0 is long gone. */
  #head: number;
  #clearings = 1;

  /** @param bytes memory for entries; 0 keeps nothing */
  constructor(bytes: number) {
    const size = Math.floor(bytes / ALIGNMENT) * ALIGNMENT;
    this.#ring = new Uint8Array(size);
    this.#view = new DataView(this.#ring.buffer);
    const places = 2 ** Math.max(4, Math.ceil(Math.log2(Math.max(1, bytes / BYTES_PER_PLACE))));
    this.#table = new Float64Array(places);
    this.#mask = places - 1;
    this.#head = size;
  }

  /** The record of the key, as bytes of the caller's own; `undefined`: not known here. */
  get(at: RecordKey): Uint8Array | undefined {
    const begin = this.#find(at);
    if (begin === undefined) return undefined;
    const start = begin + HEAD_BYTES + at.key.length;
    return this.#ring.slice(start, start + this.#view.getUint32(begin + 20, true));
  }

  /** To be asked for before the engine is, for {@link fill}. */
  mark(at: RecordKey): number {
    return this.#table[at.slot & this.#mask]! || -this.#clearings;
  }

  /** The engine has read this record, unless it was changed, or might have been, since the mark was given. */
  fill(at: RecordKey, record: Uint8Array, mark: number): void {
    if (this.mark(at) === mark) this.set(at, record);
  }

  /** The engine has accepted this record of the key; `undefined`: there is none. */
  set(at: RecordKey, record: Uint8Array | undefined): void {
    const place = at.slot & this.#mask;
    const size = this.#ring.length;
    const length = HEAD_BYTES + at.key.length + (record?.length ?? 0);
    if (record === undefined || length > size / LARGEST_PART) {
      // A place of its own nevertheless: whoever is about to fill must see that something came in between.
      this.#table[place] = this.#head;
      if (size > 0) this.#view.setFloat64(this.#head % size, 0, true);
      this.#head += ALIGNMENT;
      return;
    }
    const aligned = Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    const rest = size - (this.#head % size);
    if (aligned > rest) this.#head += rest;
    const head = this.#head;
    const begin = head % size;
    this.#view.setFloat64(begin, head, true);
    this.#view.setUint32(begin + 8, at.slot, true);
    this.#view.setUint32(begin + 12, at.keyspaceId, true);
    this.#view.setUint32(begin + 16, at.key.length, true);
    this.#view.setUint32(begin + 20, record.length, true);
    this.#ring.set(at.key, begin + HEAD_BYTES);
    this.#ring.set(record, begin + HEAD_BYTES + at.key.length);
    this.#table[place] = head;
    this.#head = head + aligned;
  }

  /** Forgets everything. */
  clear(): void {
    this.#clearings++;
    this.#table.fill(0);
  }

  /** Where the key's entry begins in the ring. */
  #find(at: RecordKey): number | undefined {
    const entry = this.#table[at.slot & this.#mask]!;
    const size = this.#ring.length;
    if (entry === 0 || entry < this.#head - size) return undefined;
    const begin = entry % size;
    const view = this.#view;
    // What was written over it since begins elsewhere, or at the same place at another time.
    if (view.getFloat64(begin, true) !== entry || view.getUint32(begin + 8, true) !== at.slot) return undefined;
    const { key } = at;
    if (view.getUint32(begin + 12, true) !== at.keyspaceId || view.getUint32(begin + 16, true) !== key.length)
      return undefined;
    const start = begin + HEAD_BYTES;
    for (let index = 0; index < key.length; index++) if (this.#ring[start + index] !== key[index]) return undefined;
    return begin;
  }
}
