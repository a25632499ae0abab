/**
 * Keeps late messages from bringing back what was forgotten (INV-REPL-16). Each replica has a number for each partition,
 * new in each life of its process and with each forgetting; a record sent to it names the number that the sender knew
 * *before* it read what it sends, and is refused if that has changed since. So what arrives was read after every replica
 * had confirmed what is forgotten now, and holds nothing older.
 */
export class Fences {
  readonly #life: number;
  readonly #bumps = new Map<number, number>();
  /** What is known of each peer: the number of its life, and the later ones by partition. */
  readonly #peers = new Map<string, { readonly life: number; readonly partitions: Map<number, number> }>();

  /** `random` gives numbers in [0, 1) that nobody can guess. */
  constructor(random: () => number) {
    this.#life = 1 + Math.floor(random() * 2 ** 19) * 2 ** 32 + Math.floor(random() * 2 ** 32);
  }

  /** The number with which every partition of this life began. */
  get life(): number {
    return this.#life;
  }

  own(partition: number): number {
    return this.#life + (this.#bumps.get(partition) ?? 0);
  }

  /** From now on only what is read from now on is taken. */
  bump(partition: number): void {
    this.#bumps.set(partition, (this.#bumps.get(partition) ?? 0) + 1);
  }

  /** The last number known of a peer's partition; 0, which none has, if it never said. */
  of(peer: string, partition: number): number {
    const known = this.#peers.get(peer);
    return known?.partitions.get(partition) ?? known?.life ?? 0;
  }

  /** A peer told the number of its life in a greeting. */
  learnLife(peer: string, life: number): void {
    if (this.#peers.get(peer)?.life !== life) this.#peers.set(peer, { life, partitions: new Map() });
  }

  /** A peer refused a record and told its number. */
  learn(peer: string, partition: number, fence: number): void {
    const known = this.#peers.get(peer) ?? { life: 0, partitions: new Map<number, number>() };
    known.partitions.set(partition, fence);
    this.#peers.set(peer, known);
  }
}
