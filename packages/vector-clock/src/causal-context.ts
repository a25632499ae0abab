import {
  type ActorEvents,
  coversEvents,
  hasEvent,
  highestEvent,
  joinEvents,
  singleEvent,
  withEvent,
} from './actor-events.ts';
import type { ActorId } from './actor-id.ts';
import type { Dot } from './dot.ts';

/**
 * A set of dots, exact and immutable: per actor a contiguous part and the separate dots above it. Equal sets have equal
 * form. Built only by the functions of this package; read with {@link contains} and its kin.
 *
 * After Almeida, Baquero, Goncalves, Preguica, Fonte, "Scalable and Accurate Causality Tracking for Eventually
 * Consistent Stores" (DAIS 2014), with the separate dots of Almeida, Shoker, Baquero, "Delta State Replicated Data
 * Types" (2018), because a context that is handed out must not cover what its reader never saw (P4).
 */
export interface CausalContext {
  /** One entry per actor, ascending by actor. */
  readonly entries: readonly ActorEvents[];
}

/** The context that covers nothing. */
export const emptyContext: CausalContext = { entries: [] };

/** True if `context` covers nothing. */
export function isEmptyContext(context: CausalContext): boolean {
  return context.entries.length === 0;
}

/** The context that covers exactly `dots`, given in any order. */
export function contextOf(dots: Iterable<Dot>): CausalContext {
  let context = emptyContext;
  for (const dot of dots) context = addDot(context, dot);
  return context;
}

/** The context that covers `dot` and every earlier dot of its actor. */
export function contextUpTo({ actor, counter }: Dot): CausalContext {
  return { entries: [{ actor, contiguous: counter, separate: [] }] };
}

/** True if `context` covers `dot`. */
export function contains(context: CausalContext, dot: Dot): boolean {
  const { entries } = context;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    if (entry.actor === dot.actor) return hasEvent(entry, dot.counter);
  }
  return false;
}

/** `context` and one dot more; `context` itself if it covers the dot. */
export function addDot(context: CausalContext, dot: Dot): CausalContext {
  const { entries } = context;
  let at = 0;
  while (at < entries.length && entries[at]!.actor < dot.actor) at++;
  const entry = entries[at];
  if (entry?.actor !== dot.actor) {
    return { entries: [...entries.slice(0, at), singleEvent(dot.actor, dot.counter), ...entries.slice(at)] };
  }
  const more = withEvent(entry, dot.counter);
  return more === entry ? context : { entries: entries.with(at, more) };
}

/** The union: the least context that descends from both. Gives one of the two objects where it equals the union. */
export function join(a: CausalContext, b: CausalContext): CausalContext {
  if (descends(a, b)) return a;
  if (descends(b, a)) return b;
  const entries: ActorEvents[] = [];
  let i = 0;
  let j = 0;
  while (i < a.entries.length && j < b.entries.length) {
    const left = a.entries[i]!;
    const right = b.entries[j]!;
    if (left.actor === right.actor) {
      entries.push(joinEvents(left, right));
      i++;
      j++;
    } else if (left.actor < right.actor) {
      entries.push(left);
      i++;
    } else {
      entries.push(right);
      j++;
    }
  }
  while (i < a.entries.length) entries.push(a.entries[i++]!);
  while (j < b.entries.length) entries.push(b.entries[j++]!);
  return { entries };
}

/** True if `a` covers every dot that `b` covers; every context descends from itself. */
export function descends(a: CausalContext, b: CausalContext): boolean {
  if (a === b) return true;
  const left = a.entries;
  const right = b.entries;
  if (right.length > left.length) return false;
  let i = 0;
  for (let j = 0; j < right.length; j++) {
    const wanted = right[j]!;
    while (i < left.length && left[i]!.actor !== wanted.actor) i++;
    const entry = left[i++];
    if (entry === undefined || !(entry === wanted || coversEvents(entry, wanted))) return false;
  }
  return true;
}

/** How two contexts stand to each other. */
export type Causality = 'equal' | 'before' | 'after' | 'concurrent';

/** `before` if `b` covers all of `a` and more, `after` for the reverse, `concurrent` if each covers what the other lacks. */
export function compareContexts(a: CausalContext, b: CausalContext): Causality {
  const after = descends(a, b);
  const before = descends(b, a);
  if (after) return before ? 'equal' : 'after';
  return before ? 'before' : 'concurrent';
}

/** The largest counter of `actor` that `context` covers; 0 if none. */
export function highestCounter(context: CausalContext, actor: ActorId): number {
  for (const entry of context.entries) if (entry.actor === actor) return highestEvent(entry);
  return 0;
}

/** The actors that `context` knows, ascending. */
export function actorsOf(context: CausalContext): readonly ActorId[] {
  return context.entries.map((entry) => entry.actor);
}

/**
 * `context` without the entries of `actors`. Only under P8: unless every replica agrees first, a dot that another replica
 * still holds comes back as a value.
 */
export function retireActors(context: CausalContext, actors: ReadonlySet<ActorId>): CausalContext {
  const entries = context.entries.filter((entry) => !actors.has(entry.actor));
  return entries.length === context.entries.length ? context : { entries };
}
