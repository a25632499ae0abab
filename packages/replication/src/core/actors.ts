import { type ActorId, actorIdFromRandom } from '@ferrite/vector-clock';

/** This node's actors, one for each life of a partition replica (P3), drawn when first needed. */
export class Actors {
  readonly #random: () => number;
  readonly #actors = new Map<number, ActorId>();
  /** Counters that forgotten records may have used, by partition. */
  readonly #floors = new Map<number, number>();

  /** `random` gives numbers in [0, 1) that nobody can guess. */
  constructor(
    random: () => number,
    kept: Readonly<Record<string, ActorId>> = {},
    floors: Readonly<Record<string, number>> = {},
  ) {
    this.#random = random;
    for (const [partition, actor] of Object.entries(kept)) this.#actors.set(Number(partition), actor);
    for (const [partition, floor] of Object.entries(floors)) this.#floors.set(Number(partition), floor);
  }

  of(partition: number): ActorId {
    let actor = this.#actors.get(partition);
    if (actor === undefined) {
      actor = actorIdFromRandom(this.#random);
      this.#actors.set(partition, actor);
    }
    return actor;
  }

  /** The next write of the partition gets a new actor. */
  retire(partition: number): void {
    this.#actors.delete(partition);
    this.#floors.delete(partition);
  }

  retireAll(): void {
    this.#actors.clear();
    this.#floors.clear();
  }

  /** No dot of the partition's actor up to this counter is used any more: records that knew of them were forgotten. */
  floor(partition: number): number {
    return this.#floors.get(partition) ?? 0;
  }

  /** A record is forgotten, of which `used` tells the highest counter by actor: no write gets one of its dots again. */
  keepAbove(partition: number, used: (actor: ActorId) => number): void {
    const actor = this.#actors.get(partition);
    if (actor !== undefined) this.#floors.set(partition, Math.max(this.floor(partition), used(actor)));
  }

  floors(): Record<string, number> {
    return Object.fromEntries(this.#floors);
  }

  toRecord(): Record<string, ActorId> {
    return Object.fromEntries(this.#actors);
  }
}
