/** Answers that are remembered, and after how many new ones the quantiles are worked out again. */
const ANSWERS = 64;
const RECKON_EVERY = 16;

/** Quantiles of the last answers of one peer, in milliseconds; undefined before there are enough of them. */
export class LatencyWindow {
  readonly #answersMs: number[] = [];
  #at = 0;
  #added = 0;
  #medianMs: number | undefined;
  #p95Ms: number | undefined;

  get medianMs(): number | undefined {
    return this.#medianMs;
  }

  get p95Ms(): number | undefined {
    return this.#p95Ms;
  }

  add(tookMs: number): void {
    this.#answersMs[this.#at] = tookMs;
    this.#at = (this.#at + 1) % ANSWERS;
    if (++this.#added % RECKON_EVERY !== 0) return;
    const sorted = this.#answersMs.toSorted((a, b) => a - b);
    this.#medianMs = sorted[sorted.length >> 1];
    this.#p95Ms = sorted[Math.floor(sorted.length * 0.95)];
  }
}
