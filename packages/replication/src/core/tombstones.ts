import { latin1 } from './bytes.ts';
import { TOMBSTONES_MAX } from './limits.ts';

/** A record without values that this node has seen. */
export interface Tombstone {
  readonly keyspaceId: number;
  readonly key: Uint8Array;
}

interface Entry extends Tombstone {
  /** Rounds of forgetting that have begun since it was seen. */
  age: number;
}

/** The tombstones that wait to be forgotten, by partition. Bounded: what finds no room is met when its tree is built next. */
export class Tombstones {
  readonly #partitions = new Map<number, Map<string, Entry>>();
  #count = 0;
  #refused = 0;

  get count(): number {
    return this.#count;
  }

  /** True, once, if some found no room and there is room again: whoever knows all records may add them now. */
  takeRoom(): boolean {
    const room = this.#refused > 0 && this.#count < TOMBSTONES_MAX / 2;
    if (room) this.#refused = 0;
    return room;
  }

  add(partition: number, { keyspaceId, key }: Tombstone): void {
    const known = this.#partitions.get(partition) ?? new Map<string, Entry>();
    const name = nameOf(keyspaceId, key);
    if (known.has(name)) return;
    if (this.#count >= TOMBSTONES_MAX) {
      this.#refused++;
      return;
    }
    known.set(name, { keyspaceId, key: key.slice(), age: 0 });
    this.#partitions.set(partition, known);
    this.#count++;
  }

  /** It is gone, or has values again. */
  remove(partition: number, { keyspaceId, key }: Tombstone): void {
    const known = this.#partitions.get(partition);
    if (known?.delete(nameOf(keyspaceId, key)) !== true) return;
    this.#count--;
    if (known.size === 0) this.#partitions.delete(partition);
  }

  /** A round begins: all are a round older. Gives the partitions with tombstones that were there a whole round ago. */
  beginRound(): readonly number[] {
    const due: number[] = [];
    for (const [partition, known] of this.#partitions) {
      for (const entry of known.values()) entry.age++;
      if ([...known.values()].some(isDue)) due.push(partition);
    }
    return due;
  }

  /** The tombstones of a partition that were there a whole round ago, at most `max`. */
  due(partition: number, max: number): readonly Tombstone[] {
    return [...(this.#partitions.get(partition)?.values() ?? [])].filter(isDue).slice(0, max);
  }
}

function isDue({ age }: Entry): boolean {
  return age >= 2;
}

function nameOf(keyspaceId: number, key: Uint8Array): string {
  return `${keyspaceId}/${latin1(key)}`;
}
