/** A way to pass single units of load between nodes, each unit belonging to a partition. */
export interface Exchange {
  /** Units each node has now; `move` keeps it up to date. */
  readonly loads: readonly number[];
  /**
   * A partition, none of `avoid`, whose unit `from` may hand to `to`. A `free` one costs no move: its unit goes back to
   * where it was at first, or has left that place already.
   */
  find(from: number, to: number, free: boolean, avoid: readonly number[]): number | undefined;
  /** False if `from` has nothing to give for free. */
  hasFree(from: number): boolean;
  move(partition: number, from: number, to: number): void;
  /** How many units lie where they did not at first. */
  moved(): number;
}

/** What balance may cost. */
export interface Thrift {
  /** Beyond this many moved units, a node may stay off its share by the fraction `tolerance`. */
  readonly movesMax: number;
  readonly tolerance: number;
}

interface Step {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

type Gap = (node: number) => number;

interface Limits {
  /** Paid steps in one chain. */
  readonly costMax: number;
  readonly movesMax: number;
}

interface Pass {
  readonly excess: Gap;
  readonly lack: Gap;
  readonly free: boolean;
  readonly affordable: () => boolean;
}

/** Shares are sums of quotients; this much is rounding. */
const ROUNDING = 1e-6;
const NOTHING: readonly number[] = [];

/**
 * Moves as few units as it can until every node has its share, rounded up or down. A node with too much gives to one
 * with too little, directly or through a chain of others; cheapest chains first, as in Edmonds, Karp, "Theoretical
 * improvements in algorithmic efficiency for network flow problems" (JACM 1972). Where a unit of balance would cost more
 * than one move, or more than `thrift` allows, balance is less exact.
 */
export function levelOut(exchange: Exchange, shares: readonly number[], thrift: Thrift): void {
  const low = shares.map((share) => Math.floor(share + ROUNDING));
  const high = shares.map((share) => Math.ceil(share - ROUNDING));
  settleAll(exchange, low, high, { costMax: 1, movesMax: thrift.movesMax });
  const lower = shares.map((share, node) => Math.min(low[node]!, Math.ceil(share * (1 - thrift.tolerance))));
  const higher = shares.map((share, node) => Math.max(high[node]!, Math.floor(share * (1 + thrift.tolerance))));
  settleAll(exchange, lower, higher, { costMax: Number.POSITIVE_INFINITY, movesMax: Number.POSITIVE_INFINITY });
}

/** From far above to far below first: those units have to move in any case. */
function settleAll(exchange: Exchange, low: readonly number[], high: readonly number[], limits: Limits): void {
  const aboveHigh: Gap = (node) => exchange.loads[node]! - high[node]!;
  const aboveLow: Gap = (node) => exchange.loads[node]! - low[node]!;
  settle(exchange, aboveHigh, aboveLow, limits);
  settle(exchange, aboveHigh, aboveHigh, limits);
  settle(exchange, aboveLow, aboveLow, limits);
}

/** Moves units from nodes whose `excess` is positive to nodes whose `lack` is negative, until no chain leads there. */
function settle(exchange: Exchange, excess: Gap, lack: Gap, limits: Limits): void {
  const nodes = exchange.loads.map((_, node) => node);
  const givers = (): number[] =>
    nodes.filter((node) => excess(node) > 0).sort((a, b) => excess(b) - excess(a) || a - b);
  const takers = (): number[] => nodes.filter((node) => lack(node) < 0).sort((a, b) => lack(a) - lack(b) || a - b);
  // What one step does needs no search; it is most of the work.
  for (const free of [true, false]) {
    const affordable = (): boolean => free || exchange.moved() < limits.movesMax;
    passDirectly(exchange, givers(), takers(), { excess, lack, free, affordable });
    while (affordable()) {
      const chain = cheapestChain(exchange, givers(), takers(), free ? 0 : limits.costMax);
      if (chain.length === 0) break;
      for (const { partition, from, to } of chain) exchange.move(partition, from, to);
    }
  }
}

function passDirectly(
  exchange: Exchange,
  givers: readonly number[],
  takers: readonly number[],
  { excess, lack, free, affordable }: Pass,
): void {
  for (const from of givers) {
    if (free && !exchange.hasFree(from)) continue;
    for (const to of takers) {
      while (excess(from) > 0 && lack(to) < 0 && affordable()) {
        const partition = exchange.find(from, to, free, NOTHING);
        if (partition === undefined) break;
        exchange.move(partition, from, to);
      }
      if (excess(from) <= 0) break;
    }
  }
}

/** The cheapest chain from any giver to any taker, of at most `costMax` paid steps; empty if there is none. */
function cheapestChain(
  exchange: Exchange,
  givers: readonly number[],
  takers: readonly number[],
  costMax: number,
): readonly Step[] {
  if (givers.length === 0 || takers.length === 0) return [];
  const search = new Search(exchange, givers, takers);
  // All that free steps reach, and then what a paid step more does.
  let front = givers;
  for (let cost = 0; front.length > 0; cost++) {
    const reached = [...front];
    for (const from of reached) {
      if (exchange.hasFree(from)) reached.push(...search.reach(from, true));
      if (search.taker !== undefined) return search.chain(search.taker);
    }
    if (cost >= costMax) return [];
    const next: number[] = [];
    for (const from of reached) {
      next.push(...search.reach(from, false));
      if (search.taker !== undefined) return search.chain(search.taker);
    }
    front = next;
  }
  return [];
}

class Search {
  /** The first taker that was reached. */
  taker: number | undefined;
  readonly #exchange: Exchange;
  readonly #takers: ReadonlySet<number>;
  readonly #open: Set<number>;
  readonly #reachedBy = new Map<number, Step>();

  constructor(exchange: Exchange, givers: readonly number[], takers: readonly number[]) {
    this.#exchange = exchange;
    this.#takers = new Set(takers);
    // Takers first, those that lack most before the others.
    this.#open = new Set([...takers, ...exchange.loads.keys()]);
    for (const giver of givers) this.#open.delete(giver);
  }

  /** The nodes that one step from `from` reaches first. */
  reach(from: number, free: boolean): readonly number[] {
    const reached: number[] = [];
    // A chain uses a partition once, so that no step can rule out another.
    const avoid = this.chain(from).map(({ partition }) => partition);
    for (const to of this.#open) {
      const partition = this.#exchange.find(from, to, free, avoid);
      if (partition === undefined) continue;
      this.#open.delete(to);
      this.#reachedBy.set(to, { partition, from, to });
      reached.push(to);
      if (!this.#takers.has(to)) continue;
      this.taker = to;
      break;
    }
    return reached;
  }

  chain(to: number): readonly Step[] {
    const chain: Step[] = [];
    for (let step = this.#reachedBy.get(to); step !== undefined; step = this.#reachedBy.get(step.from))
      chain.push(step);
    return chain.reverse();
  }
}
