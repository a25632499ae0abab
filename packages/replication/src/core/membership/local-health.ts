import { HEALTH_SCORE_MAX } from './limits.ts';

/**
 * How well this node itself seems to be (Lifeguard's local health multiplier): what goes wrong here makes it patient with
 * others, because most false suspicions are the work of a slow accuser.
 */
export class LocalHealth {
  #score = 0;

  /** 0: healthy, up to `HEALTH_SCORE_MAX`. */
  get score(): number {
    return this.#score;
  }

  /** Times as long as usual that this node waits. */
  get factor(): number {
    return this.#score + 1;
  }

  better(): void {
    if (this.#score > 0) this.#score--;
  }

  worse(by = 1): void {
    this.#score = Math.min(HEALTH_SCORE_MAX, this.#score + by);
  }
}
