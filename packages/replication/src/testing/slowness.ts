/** How much slower than usual something is: as slow as the worst of what slows it down at the moment. */
export class Slowness {
  readonly #factors: number[] = [];
  #worst = 1;

  get factor(): number {
    return this.#worst;
  }

  /** Slows down by `factor` until the returned function is called. */
  slowDown(factor: number): () => void {
    this.#factors.push(factor);
    this.#worst = Math.max(1, ...this.#factors);
    return () => {
      this.#factors.splice(this.#factors.indexOf(factor), 1);
      this.#worst = Math.max(1, ...this.#factors);
    };
  }
}
