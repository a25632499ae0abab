/** Longest deadline that travels in a frame, in milliseconds (about 49 days); longer ones become this. */
export const DEADLINE_MS_MAX = 0xffff_ffff;

/** `setTimeout` fires at once beyond this. */
const TIMER_MS_MAX = 0x7fff_ffff;

/** Milliseconds on a clock that never goes back. */
export function monotonicMs(): number {
  return performance.now();
}

/**
 * One timer for many deadlines. `sweep(now)` fails what has expired and returns the earliest deadline left, or Infinity.
 * Calls that finish in time cost nothing here, which is why each does not have a timer of its own.
 */
export class DeadlineTimer {
  #at = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #sweep: (now: number) => number;

  constructor(sweep: (now: number) => number) {
    this.#sweep = sweep;
  }

  /** Makes sure that the sweep runs at `at` (monotonic milliseconds) or before. */
  arm(at: number): void {
    if (at >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    const pause = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(at - monotonicMs())));
    this.#timer = setTimeout(() => this.#fire(), pause);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }

  #fire(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    const next = this.#sweep(monotonicMs());
    if (next !== Number.POSITIVE_INFINITY) this.arm(next);
  }
}

/** When a call with this timeout expires, in monotonic milliseconds; Infinity without one. */
export function deadlineAt(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? Number.POSITIVE_INFINITY : monotonicMs() + timeoutMs;
}

/** What is left of a deadline as it travels in a frame: whole milliseconds, 0 for none; a passed one travels as 1. */
export function deadlineField(at: number): number {
  if (at === Number.POSITIVE_INFINITY) return 0;
  return Math.min(DEADLINE_MS_MAX, Math.max(1, Math.ceil(at - monotonicMs())));
}
