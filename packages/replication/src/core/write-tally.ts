/** How one set of replicas stands in a write. */
interface Quorum {
  readonly replicas: readonly string[];
  readonly needed: number;
  accepted: number;
  durable: number;
  failed: number;
  hinted: number;
}

/**
 * Counts the confirmations of one write, which needs a quorum of each of its sets: one set, or while the partition moves the
 * old one and the new (P14, INV-REPL-28). A pure accumulator: it never decides twice.
 */
export class WriteTally {
  readonly #quorums: readonly Quorum[];
  readonly #memory: boolean;
  #accepted = 0;
  #durable = 0;
  #hinted = 0;

  /** `needed(n)` of each set of n replicas must confirm; `memory` counts acceptance, else only flushed copies count. */
  constructor(sets: readonly (readonly string[])[], needed: (replicas: number) => number, memory: boolean) {
    this.#quorums = sets.map((replicas) => {
      return { replicas, needed: needed(replicas.length), accepted: 0, durable: 0, failed: 0, hinted: 0 };
    });
    this.#memory = memory;
  }

  accepted(from: string): void {
    this.#accepted++;
    for (const quorum of this.#of(from)) quorum.accepted++;
  }

  durable(from: string): void {
    this.#durable++;
    for (const quorum of this.#of(from)) quorum.durable++;
  }

  /** A hint counts like a copy: only where the keyspace says so (P10). */
  hinted(from: string): void {
    this.#hinted++;
    for (const quorum of this.#of(from)) quorum.hinted++;
  }

  failed(from: string): void {
    for (const quorum of this.#of(from)) quorum.failed++;
  }

  get verdict(): 'done' | 'hopeless' | 'wait' {
    let done = true;
    for (const { replicas, needed, accepted, durable, failed, hinted } of this.#quorums) {
      if (replicas.length - failed < needed) return 'hopeless';
      if ((this.#memory ? accepted : durable) + hinted < needed) done = false;
    }
    return done ? 'done' : 'wait';
  }

  /** For people: what each set needs, and has. */
  get progress(): string {
    return this.#quorums.map(({ needed, durable }) => `${durable} of ${needed}`).join(' and ');
  }

  get counts(): { readonly acked: number; readonly durable: number; readonly hinted: number } {
    return { acked: this.#accepted, durable: this.#durable, hinted: this.#hinted };
  }

  #of(replica: string): readonly Quorum[] {
    // Who writes to one set writes to nobody else.
    if (this.#quorums.length === 1) return this.#quorums;
    return this.#quorums.filter(({ replicas }) => replicas.includes(replica));
  }
}
