import type { ActorEvents } from '../actor-events.ts';
import type { ActorId } from '../actor-id.ts';
import type { CausalContext } from '../causal-context.ts';
import type { Dot } from '../dot.ts';

/** A dot as text, for sets. */
export function dotName(dot: Dot): string {
  return `${dot.actor}:${dot.counter}`;
}

/** The names of all dots that a context covers, one by one: only for contexts with small counters. */
export function dotNames(context: CausalContext): ReadonlySet<string> {
  return new Set(context.entries.flatMap(entryNames));
}

function entryNames({ actor, contiguous, separate }: ActorEvents): readonly string[] {
  const counters = Array.from({ length: contiguous }, (_, index) => index + 1);
  return [...counters, ...separate].map((counter) => dotName({ actor, counter }));
}

/** One write, as it happened. */
export interface HistoryEvent {
  readonly dot: Dot;
  /** The names of the dots its writer had seen. */
  readonly seen: ReadonlySet<string>;
  readonly deletes: boolean;
}

/**
 * What a record ought to be, told from history alone: each replica is the set of the writes it has heard of, and a value
 * lives where no write heard of there had seen it. Slow and obvious; the oracle for `mergeRecords` and `writeRecord`.
 */
export class HistoryModel {
  readonly #heard: Set<HistoryEvent>[];

  constructor(replicas: number) {
    this.#heard = Array.from({ length: replicas }, () => new Set());
  }

  /** A write by `actor` at a replica; the event is heard of there. */
  write(replica: number, actor: ActorId, seen: ReadonlySet<string>, deletes: boolean): HistoryEvent {
    let counter = 1;
    while (this.covered(replica).has(dotName({ actor, counter }))) counter++;
    const event: HistoryEvent = { dot: { actor, counter }, seen, deletes };
    this.deliver(event, replica);
    return event;
  }

  /** A replica hears of one write. */
  deliver(event: HistoryEvent, replica: number): void {
    this.#heard[replica]?.add(event);
  }

  /** A replica hears of all that another has heard of. */
  merge(from: number, to: number): void {
    for (const event of this.#heard[from] ?? []) this.deliver(event, to);
  }

  /** The names of the dots a replica knows to have happened. */
  covered(replica: number): ReadonlySet<string> {
    const events = [...(this.#heard[replica] ?? [])];
    return new Set(events.flatMap(({ dot, seen }) => [dotName(dot), ...seen]));
  }

  /** The names of the dots whose values live at a replica. */
  living(replica: number): ReadonlySet<string> {
    const events = [...(this.#heard[replica] ?? [])];
    const replaced = new Set(events.flatMap(({ seen }) => [...seen]));
    const values = events.filter(({ dot, deletes }) => !deletes && !replaced.has(dotName(dot)));
    return new Set(values.map(({ dot }) => dotName(dot)));
  }
}
