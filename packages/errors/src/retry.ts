import { isAbort } from './abort.ts';
import { type BackoffPolicy, backoffMs, DEFAULT_BACKOFF } from './backoff.ts';
import { StoreError } from './store-error.ts';

/**
 * A budget against retry storms: each first attempt earns a fraction of a retry, each retry spends one (Finagle's
 * RetryBudget). One budget is shared by all calls to one destination.
 */
export class RetryBudget {
  #tokens: number;
  readonly #ratio: number;
  readonly #scales: boolean;
  #max: number;

  /**
   * `ratio` retries are allowed per first attempt in the long run, at most `max` in a burst; with `scales`, at most as many
   * as requests have ever been in flight at once, if that is more: a peer that dies fails all of them together.
   */
  constructor(ratio = 0.2, max = 20, { scales = false }: { readonly scales?: boolean } = {}) {
    this.#scales = scales;
    this.#ratio = ratio;
    this.#max = max;
    this.#tokens = max;
  }

  /** A first attempt begins; `inFlight` requests are under way with it. */
  earn(inFlight = 1): void {
    if (this.#scales && inFlight > this.#max) {
      this.#tokens += inFlight - this.#max;
      this.#max = inFlight;
    }
    this.#tokens = Math.min(this.#max, this.#tokens + this.#ratio);
  }

  /** True, and one retry spent, if the budget allows it. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

export interface RetryOptions {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** True if doing the request twice equals doing it once; then an effect of `unknown` is retried too. */
  readonly idempotent: boolean;
  readonly signal?: AbortSignal;
  readonly backoff?: BackoffPolicy;
  readonly budget?: RetryBudget;
  readonly random?: () => number;
  /** Waits; replaced by tests. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** True if `error` may be followed by another attempt of the same request. */
export function mayRetry(error: StoreError, idempotent: boolean): boolean {
  return error.retry !== 'never' && (idempotent || error.effect === 'none');
}

/**
 * Calls `attempt` until it succeeds, the attempts or the budget are spent, or a failure may not be retried. Cancellation
 * and errors that are no `StoreError` pass through at once.
 */
export async function retry<T>(attempt: (number: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { random = Math.random, sleep = sleepMs, backoff = DEFAULT_BACKOFF, budget, signal } = options;
  budget?.earn();
  for (let number = 1; ; number++) {
    signal?.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      if (isAbort(error, signal) || !StoreError.is(error)) throw error;
      if (number >= options.attempts || !mayRetry(error, options.idempotent)) throw error;
      if (budget?.spend() === false) throw error;
      const pause = error.retry === 'elsewhere' && number === 1 ? 0 : backoffMs(number, random, backoff);
      await sleep(Math.max(pause, error.retryAfterMs ?? 0), signal);
    }
  }
}

function sleepMs(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
