/** Swaps the elements of `list` in [from, to) at random (Fisher, Yates). */
function shuffle<T>(list: T[], from: number, to: number, random: () => number): void {
  for (let at = to - 1; at > from; at--) {
    const other = from + Math.floor(random() * (at - from + 1));
    [list[at], list[other]] = [list[other]!, list[at]!];
  }
}

/**
 * Whom to probe next: each node once a round, in an order that changes from round to round. The two halves of a round are
 * shuffled apart, so a node waits for at most 3/2 rounds; in the whole shuffled it could be 2.
 */
export class ProbeOrder {
  readonly #random: () => number;
  #order: string[] = [];
  #at = 0;
  readonly #first = new Set<string>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The nodes to probe from now on. */
  replace(nodes: readonly string[]): void {
    this.#order = [...nodes];
    shuffle(this.#order, 0, this.#order.length, this.#random);
    this.#at = 0;
    this.#first.clear();
  }

  /** Something went wrong with this node: it is probed before all others, once. */
  hurry(node: string): void {
    this.#first.add(node);
  }

  /** The next node for which `wanted` holds, if any. */
  next(wanted: (node: string) => boolean): string | undefined {
    for (const node of this.#first) {
      this.#first.delete(node);
      if (wanted(node)) return node;
    }
    for (let tries = this.#order.length; tries > 0; tries--) {
      if (this.#at >= this.#order.length) this.#newRound();
      const node = this.#order[this.#at++]!;
      if (wanted(node)) return node;
    }
    return undefined;
  }

  #newRound(): void {
    const { length } = this.#order;
    const half = length >> 1;
    shuffle(this.#order, 0, half, this.#random);
    shuffle(this.#order, half, length, this.#random);
    this.#at = 0;
  }
}
