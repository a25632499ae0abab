import { StoreError } from '@ferrite/errors';
import type { ActorId } from './actor-id.ts';
import { COUNTER_MAX } from './limits.ts';

/** The name of one write: the `counter`-th (1 to 2^53 - 1) of one actor to one record. Never used twice (P3). */
export interface Dot {
  readonly actor: ActorId;
  readonly counter: number;
}

/** The dot of `actor` and `counter`; `ARGUMENT_INVALID` unless the counter is an integer from 1 to 2^53 - 1. */
export function dot(actor: ActorId, counter: number): Dot {
  if (!Number.isInteger(counter) || counter < 1 || counter > COUNTER_MAX) {
    throw new StoreError('ARGUMENT_INVALID', {
      message: `the counter ${counter} is not an integer from 1 to 2^53 - 1`,
    });
  }
  return { actor, counter };
}

/** Order of dots, by actor and then by counter: negative, zero or positive. It says nothing about causality. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.actor === b.actor) return a.counter - b.counter;
  return a.actor < b.actor ? -1 : 1;
}
