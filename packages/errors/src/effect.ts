/**
 * What a failed request may have done: `none` means certainly nothing happened, `unknown` means it may have happened or
 * may still happen. Only `none` allows a retry of a request that is not idempotent.
 */
export type Effect = 'none' | 'unknown';

/** The effect of several failures together: certain only if all are. */
export function combineEffects(effects: Iterable<Effect>): Effect {
  for (const effect of effects) if (effect === 'unknown') return 'unknown';
  return 'none';
}
