import { latin1 } from './bytes.ts';
import { UNREADABLE_MAX } from './limits.ts';
import { comparePlaces, type Place, placeOf } from './place.ts';

/** A record that this node cannot vouch for: what it knew of the key is lost, until it is merged from others (P7). */
export interface UnreadableRecord {
  readonly keyspaceId: number;
  readonly partition: number;
  readonly key: Uint8Array;
  /** It can be read, and may not be all there was: its end was lost in a crash, and nobody has confirmed it since. */
  readonly held: boolean;
}

interface Entry extends Omit<UnreadableRecord, 'held'> {
  held: boolean;
  readonly place: Place;
  /** Grows each time the record is found damaged: a merge that began before the last time has not mended it. */
  openings: number;
  /** Something was written over it: it can be read again, and is not all that was there. */
  overwritten: boolean;
}

/** The unreadable records of this node, by name. Bounded: what is more makes its partition recover as a whole. */
export class UnreadableRecords {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  get isFull(): boolean {
    return this.#entries.size >= UNREADABLE_MAX;
  }

  has(keyspaceId: number, key: Uint8Array): boolean {
    return this.#entries.size > 0 && this.#entries.has(nameOf(keyspaceId, key));
  }

  /** True if it was not known yet. */
  add({ keyspaceId, partition, key, held }: UnreadableRecord): boolean {
    const name = nameOf(keyspaceId, key);
    const known = this.#entries.get(name);
    if (known !== undefined) {
      // Until something is written over it, it is the same damage.
      if (known.overwritten) known.openings++;
      known.overwritten = held && known.overwritten;
      known.held &&= held;
      return false;
    }
    const place = placeOf(key);
    this.#entries.set(name, { keyspaceId, partition, key, place, held, openings: 1, overwritten: held });
    return true;
  }

  overwritten(keyspaceId: number, key: Uint8Array): void {
    const entry = this.#entries.size > 0 ? this.#entries.get(nameOf(keyspaceId, key)) : undefined;
    if (entry !== undefined) entry.overwritten = true;
  }

  openings(record: UnreadableRecord): number {
    return this.#entries.get(nameOf(record.keyspaceId, record.key))?.openings ?? 0;
  }

  remove(record: UnreadableRecord): void {
    this.#entries.delete(nameOf(record.keyspaceId, record.key));
  }

  inPartition(partition: number): boolean {
    for (const entry of this.#entries.values()) if (entry.partition === partition) return true;
    return false;
  }

  /** Those of a partition go: it recovers as a whole. */
  removePartition(partition: number): void {
    for (const [name, entry] of this.#entries) if (entry.partition === partition) this.#entries.delete(name);
  }

  all(): readonly UnreadableRecord[] {
    return [...this.#entries.values()];
  }

  /**
   * Those of one keyspace and partition after one place up to another (absent: from the beginning, to the end), and how
   * many of them still cannot be read.
   */
  within(
    keyspaceId: number,
    partition: number,
    after: Place | undefined,
    until: Place | undefined,
  ): { readonly keys: readonly Uint8Array[]; readonly unread: number } {
    if (this.#entries.size === 0) return { keys: [], unread: 0 };
    const found = [...this.#entries.values()].filter(
      (entry) =>
        entry.keyspaceId === keyspaceId &&
        entry.partition === partition &&
        (after === undefined || comparePlaces(entry.place, after) > 0) &&
        (until === undefined || comparePlaces(entry.place, until) <= 0),
    );
    return { keys: found.map(({ key }) => key), unread: found.filter(({ overwritten }) => !overwritten).length };
  }
}

function nameOf(keyspaceId: number, key: Uint8Array): string {
  return `${keyspaceId}/${latin1(key)}`;
}
