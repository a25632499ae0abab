import type { Timeline } from './timeline.ts';

/** Unix milliseconds at the start of every run. */
const WALL_START_MS = 1_700_000_000_000;

/** A machine's clocks: both run at its own rate, and the wall clock jumps. */
export class SimClock {
  readonly #timeline: Timeline;
  /** How much faster than time itself the clocks run. */
  readonly #rate: number;
  #jumpedMs = 0;

  constructor(timeline: Timeline, rate: number) {
    this.#timeline = timeline;
    this.#rate = rate;
  }

  /** What the machine takes for Unix milliseconds. */
  wallMs(): number {
    return Math.floor(WALL_START_MS + this.#timeline.now * this.#rate + this.#jumpedMs);
  }

  /** How long it takes until this machine thinks that `ms` have passed. */
  duration(ms: number): number {
    return ms / this.#rate;
  }

  /** Somebody sets the wall clock. */
  jump(byMs: number): void {
    this.#jumpedMs += byMs;
  }
}
