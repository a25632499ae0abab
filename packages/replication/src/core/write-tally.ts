/** Counts the confirmations of one write. A pure accumulator: it never decides twice. */
export class WriteTally {
  readonly replicas: number;
  readonly needed: number;
  readonly #memory: boolean;
  #accepted = 0;
  #durable = 0;
  #failed = 0;
  #hinted = 0;

  /** `needed` of `replicas` must confirm; `memory` counts acceptance, else only flushed copies count. */
  constructor(replicas: number, needed: number, memory: boolean) {
    this.replicas = replicas;
    this.needed = needed;
    this.#memory = memory;
  }

  accepted(): void {
    this.#accepted++;
  }

  durable(): void {
    this.#durable++;
  }

  /** A hint counts like a copy: only where the keyspace says so (P10). */
  hinted(): void {
    this.#hinted++;
  }

  failed(): void {
    this.#failed++;
  }

  get verdict(): 'done' | 'hopeless' | 'wait' {
    if ((this.#memory ? this.#accepted : this.#durable) + this.#hinted >= this.needed) return 'done';
    return this.replicas - this.#failed < this.needed ? 'hopeless' : 'wait';
  }

  get counts(): { readonly acked: number; readonly durable: number; readonly hinted: number } {
    return { acked: this.#accepted, durable: this.#durable, hinted: this.#hinted };
  }
}
