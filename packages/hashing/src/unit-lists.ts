/** Per node the partitions of which it has a unit, in an order of its own; changes take constant time. */
export class UnitLists {
  readonly #lists: number[][];
  readonly #places: Map<number, number>[];

  constructor(nodes: number) {
    this.#lists = Array.from({ length: nodes }, () => []);
    this.#places = Array.from({ length: nodes }, () => new Map());
  }

  of(node: number): readonly number[] {
    return this.#lists[node]!;
  }

  /** Adds a partition, unless the node has it. */
  add(node: number, partition: number): void {
    if (this.#places[node]!.has(partition)) return;
    this.#places[node]!.set(partition, this.#lists[node]!.push(partition) - 1);
  }

  /** Takes a partition away, if the node has it. */
  remove(node: number, partition: number): void {
    const list = this.#lists[node]!;
    const place = this.#places[node]!.get(partition);
    if (place === undefined) return;
    this.#places[node]!.delete(partition);
    const last = list.pop()!;
    if (last === partition) return;
    list[place] = last;
    this.#places[node]!.set(last, place);
  }

  /**
   * Puts each list in an order of the node's own, so that what it gives away is a fair sample of what it holds. Taken in
   * one order by all, the same zones would end up together ever more often, and later moves would find no way.
   */
  shuffle(): void {
    this.#lists.forEach((list, node) => {
      const keyed = list.map((partition) => ({ partition, key: mix(partition, node) }));
      keyed.sort((a, b) => a.key - b.key || a.partition - b.partition);
      keyed.forEach(({ partition }, place) => {
        list[place] = partition;
        this.#places[node]!.set(partition, place);
      });
    });
  }
}

/** 32 bits of which each depends on all of the input: the finalizer of MurmurHash3 (Appleby, 2011). */
export function mix(one: number, other: number): number {
  let mixed = Math.imul(one + 1, 0x9e37_79b1) ^ Math.imul(other + 1, 0x85eb_ca77);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
