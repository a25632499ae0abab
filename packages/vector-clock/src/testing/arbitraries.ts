import fc from 'fast-check';
import { type ActorId, actorId, actorIdFromBytes } from '../actor-id.ts';
import { addDot, type CausalContext, contextOf } from '../causal-context.ts';
import { compareDots, type Dot } from '../dot.ts';
import { COUNTER_MAX } from '../limits.ts';
import type { RecordState } from '../record-state.ts';
import { dotName } from './history-model.ts';

/** Four actors, so that what is drawn apart often meets. */
export const FEW_ACTORS: readonly ActorId[] = ['0', '5', '9', 'f'].map((digit) => actorId(digit.repeat(32)));

/** Any actor id. */
export function anyActorId(): fc.Arbitrary<ActorId> {
  return fc.uint8Array({ minLength: 16, maxLength: 16 }).map(actorIdFromBytes);
}

/** Dots of few actors with small counters: dense, so that they meet, absorb and leave gaps. */
export function denseDot(): fc.Arbitrary<Dot> {
  return fc.record({ actor: fc.constantFrom(...FEW_ACTORS), counter: fc.integer({ min: 1, max: 8 }) });
}

/** Dots of any actor with any counter, up to the largest. */
export function anyDot(): fc.Arbitrary<Dot> {
  const counter = fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.maxSafeNat().map((n) => Math.max(1, n)),
    fc.constant(COUNTER_MAX),
  );
  return fc.record({ actor: fc.oneof(fc.constantFrom(...FEW_ACTORS), anyActorId()), counter });
}

/** Contexts of up to 24 such dots. */
export function contexts(dots: fc.Arbitrary<Dot> = denseDot()): fc.Arbitrary<CausalContext> {
  return fc.array(dots, { maxLength: 24 }).map(contextOf);
}

/** Well-formed records. The value of a sibling is its dot's name, so that one dot has one value everywhere. */
export function recordStates(dots: fc.Arbitrary<Dot> = denseDot()): fc.Arbitrary<RecordState<string>> {
  const living = fc.uniqueArray(dots, { maxLength: 6, selector: dotName });
  return fc.tuple(contexts(dots), living).map(([context, alive]) => ({
    context: alive.reduce(addDot, context),
    siblings: alive.sort(compareDots).map((dot) => ({ dot, value: dotName(dot) })),
  }));
}
