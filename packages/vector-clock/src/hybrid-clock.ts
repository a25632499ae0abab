import { invariant } from '@ferrite/errors';
import { type ActorId, actorId } from './actor-id.ts';
import { type CausalContext, contextUpTo, highestCounter } from './causal-context.ts';
import { COUNTER_MAX } from './limits.ts';

/** Hybrid times in one millisecond. A number then holds times until the year 2248 exactly. */
export const HYBRID_TICKS_PER_MS = 1024;

/** A time that is further ahead of the wall clock than this does not move a clock (P6), in milliseconds. */
export const HYBRID_AHEAD_MS_MAX: number = 5 * 60_000;

/** Contexts carry the newest time they have seen as the events of this actor, which writes nothing. */
const TIME: ActorId = actorId('686c63'.padStart(32, '0'));

/** What {@link HybridClock.next} gives. */
export interface HybridTime {
  /** In ticks of {@link HYBRID_TICKS_PER_MS} since 1970: an integer. */
  readonly ticks: number;
  /** The floor was so far ahead of the wall clock that the time given did not move the clock. Somebody's clock is wrong. */
  readonly ahead: boolean;
}

/**
 * A hybrid logical clock: close to the wall clock, and above every time that what it stamps has seen, so that the order of
 * times contains the order of causes. A wall clock that is set back leaves the clock where it was, unless that is so far
 * ahead that nobody should follow.
 *
 * Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks" (OPODIS 2014).
 */
export class HybridClock {
  #last = 0;

  /** A time above `floor`, and above all that were given before, at a wall clock of `wallMs` Unix milliseconds. */
  next(wallMs: number, floor: number): HybridTime {
    const wall = Math.floor(wallMs) * HYBRID_TICKS_PER_MS;
    const limit = wall + HYBRID_AHEAD_MS_MAX * HYBRID_TICKS_PER_MS;
    const own = Math.max(wall, this.#last < limit ? this.#last + 1 : 0);
    const ticks = Math.max(own, floor + 1);
    invariant(ticks <= COUNTER_MAX, 'P6', 'hybrid time has come to its end');
    const ahead = ticks > limit;
    this.#last = ahead ? own : ticks;
    return { ticks, ahead };
  }
}

/** The context that knows of `ticks` and of no write: join it to a context to make that carry the time. */
export function contextAtTime(ticks: number): CausalContext {
  return contextUpTo({ actor: TIME, counter: ticks });
}

/** The newest time that `context` carries; 0 if none. */
export function timeOf(context: CausalContext): number {
  return highestCounter(context, TIME);
}

/** `context` without the time it carries. */
export function withoutTime(context: CausalContext): CausalContext {
  if (timeOf(context) === 0) return context;
  return { entries: context.entries.filter(({ actor }) => actor !== TIME) };
}
