import { type ActorId, type CausalContext, descends, highestCounter, withoutTime } from '@ferrite/vector-clock';

/** Which dots a replica's present actor may have used for records that are forgotten: all up to `counter`. */
export interface Floor {
  readonly actor: ActorId;
  readonly counter: number;
}

/**
 * What an answer must descend from (P11, INV-REPL-22). A write that is missing everywhere may have been forgotten by
 * everyone, as what was deleted is (P8): the replica that made it says so, since it has made all dots of its actor and
 * holds what it made until it is forgotten. What nobody says that of is lost or out of reach, and no answer goes without it.
 */
export class AtLeast {
  readonly #context: CausalContext;
  readonly #floors = new Map<ActorId, number>();

  constructor(context: CausalContext) {
    this.#context = withoutTime(context);
  }

  /** A member says what may be forgotten. */
  learn({ actor, counter }: Floor): void {
    this.#floors.set(actor, Math.max(counter, this.#floors.get(actor) ?? 0));
  }

  /** True if who knows `known` may answer. */
  isMetBy(known: CausalContext): boolean {
    if (descends(known, this.#context)) return true;
    return this.#context.entries.every((entry) => {
      const own: CausalContext = { entries: [entry] };
      return descends(known, own) || highestCounter(own, entry.actor) <= (this.#floors.get(entry.actor) ?? 0);
    });
  }
}
