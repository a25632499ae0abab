import { StoreError } from '@ferrite/errors';
import { ATTEMPT_MS_MAX } from './limits.ts';

/** When an operation must be over, and the signal that ends it sooner. One spans all attempts of the operation. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** The signal may fire before the operation has ended: a call must listen to it. */
  readonly interruptible: boolean;
  /** Milliseconds left; 0 or less when time is up. */
  remainingMs(): number;
  /** Milliseconds to give to the next attempt: half of what is left, so that a second one has a chance. */
  attemptMs(): number;
}

/** A deadline `timeoutMs` (at least 1) from now. */
export function deadlineIn(timeoutMs: number, signal: AbortSignal, interruptible = true): Deadline {
  if (!(timeoutMs >= 1)) {
    throw new StoreError('ARGUMENT_INVALID', { message: `timeoutMs ${timeoutMs} is not a number of at least 1` });
  }
  const end = performance.now() + timeoutMs;
  const remainingMs = (): number => end - performance.now();
  return {
    signal,
    interruptible,
    remainingMs,
    attemptMs: () => Math.max(1, Math.ceil(Math.min(ATTEMPT_MS_MAX, remainingMs() / 2))),
  };
}

/** Waits `ms` or, if that is less, until the deadline. Rejects with the signal's reason when it fires. */
export async function pause(ms: number, deadline: Deadline): Promise<void> {
  const { signal } = deadline;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(resolve, Math.max(0, Math.min(ms, deadline.remainingMs())));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
