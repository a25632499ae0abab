/** Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015). */
export interface BackoffPolicy {
  /** Upper bound of the first pause, in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of any pause, in milliseconds. */
  readonly capMs: number;
}

export const DEFAULT_BACKOFF: BackoffPolicy = { baseMs: 10, capMs: 2000 };

/**
 * The pause before attempt `attempt` (1 = first retry), in milliseconds: uniform in [0, min(cap, base * 2^(attempt-1))].
 * `random` gives a number in [0, 1).
 */
export function backoffMs(attempt: number, random: () => number, policy: BackoffPolicy = DEFAULT_BACKOFF): number {
  const bound = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30));
  return random() * bound;
}
