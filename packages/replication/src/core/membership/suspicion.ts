import type { Claim } from './claim.ts';
import { CONFIRMATIONS_MAX, SUSPICION_MAX_MS, SUSPICION_MIN_MS } from './limits.ts';

/**
 * The time a suspect has to refute. It shrinks from the maximum to the minimum, on a log scale, as other nodes come to
 * suspect it by themselves (Lifeguard): one accuser may be at fault itself, four hardly are. What is stretched because this
 * node seems to be unwell shrinks with them too, since then it is not this node's own word that counts.
 */
export class Suspicion {
  readonly #startedAtMs: number;
  readonly #confirmationsWanted: number;
  readonly #factor: number;
  readonly #accusers: Set<string>;
  #confirmations = 0;

  /** `others` live nodes besides the first accuser could confirm; `factor` stretches it (local health) until they have. */
  constructor(accuser: string, nowMs: number, others: number, factor: number) {
    this.#accusers = new Set([accuser]);
    this.#startedAtMs = nowMs;
    this.#confirmationsWanted = Math.max(0, Math.min(CONFIRMATIONS_MAX, others));
    this.#factor = factor;
  }

  /** Whether `claim` comes from a new accuser who still makes a difference (INV-SWIM-4: each counts once). */
  confirm({ by }: Claim, countTwice: boolean): boolean {
    if (this.#confirmations >= this.#confirmationsWanted) return false;
    if (this.#accusers.has(by) && !countTwice) return false;
    this.#accusers.add(by);
    this.#confirmations++;
    return true;
  }

  /** When the suspect is dead, unless it is heard of before. */
  get endsAtMs(): number {
    const wanted = this.#confirmationsWanted;
    const confirmed = Math.log(this.#confirmations + 1) / Math.log(wanted + 1);
    const shrunk = wanted === 0 ? 1 : confirmed;
    const waitMs = SUSPICION_MAX_MS - (SUSPICION_MAX_MS - SUSPICION_MIN_MS) * shrunk;
    const alone = wanted === 0 ? 1 : 1 - shrunk;
    return this.#startedAtMs + waitMs * (1 + (this.#factor - 1) * alone);
  }
}
