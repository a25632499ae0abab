import type { ActorId } from './actor-id.ts';

const NONE: readonly number[] = [];

/**
 * What a context knows of one actor: every counter from 1 to `contiguous`, and those in `separate`. Canonical, so that
 * equal sets look equal: not empty, `separate` ascends strictly and starts above `contiguous + 1`.
 */
export interface ActorEvents {
  readonly actor: ActorId;
  readonly contiguous: number;
  readonly separate: readonly number[];
}

/** The events of an actor with `contiguous` and an ascending list above it, of which the adjacent are absorbed. */
function canonical(actor: ActorId, contiguous: number, separate: readonly number[]): ActorEvents {
  let reached = contiguous;
  let absorbed = 0;
  while (absorbed < separate.length && separate[absorbed] === reached + 1) {
    reached++;
    absorbed++;
  }
  return { actor, contiguous: reached, separate: absorbed === 0 ? separate : separate.slice(absorbed) };
}

/** The set with one counter. */
export function singleEvent(actor: ActorId, counter: number): ActorEvents {
  return counter === 1 ? { actor, contiguous: 1, separate: NONE } : { actor, contiguous: 0, separate: [counter] };
}

/** Membership. */
export function hasEvent(events: ActorEvents, counter: number): boolean {
  if (counter <= events.contiguous) return true;
  return events.separate.length > 0 && events.separate.includes(counter);
}

/** The largest counter in the set. */
export function highestEvent(events: ActorEvents): number {
  const { separate, contiguous } = events;
  return separate.length === 0 ? contiguous : separate[separate.length - 1]!;
}

/** The set with one counter more; `events` itself if it is there already. */
export function withEvent(events: ActorEvents, counter: number): ActorEvents {
  if (hasEvent(events, counter)) return events;
  const { actor, contiguous, separate } = events;
  if (separate.length === 0) {
    return counter === contiguous + 1
      ? { actor, contiguous: counter, separate: NONE }
      : { actor, contiguous, separate: [counter] };
  }
  const at = separate.findIndex((other) => other > counter);
  const all = at < 0 ? [...separate, counter] : [...separate.slice(0, at), counter, ...separate.slice(at)];
  return canonical(actor, contiguous, all);
}

/** True if `a` holds every counter of `b`, of the same actor. */
export function coversEvents(a: ActorEvents, b: ActorEvents): boolean {
  // Canonical form: a lacks a.contiguous + 1, which b would hold.
  if (b.contiguous > a.contiguous) return false;
  let at = 0;
  for (const counter of b.separate) {
    if (counter <= a.contiguous) continue;
    while (at < a.separate.length && a.separate[at]! < counter) at++;
    if (a.separate[at] !== counter) return false;
  }
  return true;
}

/** The union of two sets of the same actor; one of the two objects where it is equal to the union. */
export function joinEvents(a: ActorEvents, b: ActorEvents): ActorEvents {
  if (coversEvents(a, b)) return a;
  if (coversEvents(b, a)) return b;
  const contiguous = Math.max(a.contiguous, b.contiguous);
  const separate: number[] = [];
  for (let i = 0, j = 0; i < a.separate.length || j < b.separate.length; ) {
    const left = a.separate[i] ?? Number.POSITIVE_INFINITY;
    const right = b.separate[j] ?? Number.POSITIVE_INFINITY;
    const next = Math.min(left, right);
    if (left === next) i++;
    if (right === next) j++;
    if (next > contiguous) separate.push(next);
  }
  return canonical(a.actor, contiguous, separate);
}
