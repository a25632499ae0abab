import { type ActorId, actorIdFromRandom } from '@ferrite/vector-clock';

/** This node's actors, one for each life of a partition replica (P3), drawn when first needed. */
export class Actors {
  readonly #random: () => number;
  readonly #actors = new Map<number, ActorId>();

  /** `random` gives numbers in [0, 1) that nobody can guess. */
  constructor(random: () => number, kept: Readonly<Record<string, ActorId>> = {}) {
    this.#random = random;
    for (const [partition, actor] of Object.entries(kept)) this.#actors.set(Number(partition), actor);
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
  }

  retireAll(): void {
    this.#actors.clear();
  }

  toRecord(): Record<string, ActorId> {
    return Object.fromEntries(this.#actors);
  }
}
