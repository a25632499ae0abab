/** A way to pass single units of load between nodes, each unit belonging to a partition. */
export interface Exchange {
  /** Units each node has now; `move` keeps it up to date. */
  readonly loads: readonly number[];
  /** True if `from` may hand its unit of `partition` to `to`. */
  allows(partition: number, from: number, to: number): boolean;
  /** True if that costs nothing: the unit goes back to where it was at first, or has left that place already. */
  isFree(partition: number, from: number, to: number): boolean;
  move(partition: number, from: number, to: number): void;
  /** The partitions of which `from` has a unit to give, in the order to try them; if `free`, at least those it can give for nothing. */
  unitsOf(from: number, free: boolean): readonly number[];
}

interface Step {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Shares are sums of quotients; this much is rounding. */
const ROUNDING = 1e-6;

/**
 * Moves as few units as it can until every node has its share, rounded up or down. A node with too much gives to one
 * with too little, directly or through a chain of others; cheapest chains first, as in Edmonds, Karp, "Theoretical
 * improvements in algorithmic efficiency for network flow problems" (JACM 1972).
 */
export function levelOut(exchange: Exchange, shares: readonly number[]): void {
  const { loads } = exchange;
  const low = shares.map((share) => Math.floor(share + ROUNDING));
  const high = shares.map((share) => Math.ceil(share - ROUNDING));
  const aboveHigh = (node: number): number => loads[node]! - high[node]!;
  const aboveLow = (node: number): number => loads[node]! - low[node]!;
  // From far above to far below first: those units have to move in any case.
  while (passOne(exchange, aboveHigh, aboveLow));
  while (passOne(exchange, aboveHigh, aboveHigh));
  while (passOne(exchange, aboveLow, aboveLow));
}

/** Moves one unit from a node whose `excess` is positive to one whose `lack` is negative; false if there is no way. */
function passOne(exchange: Exchange, excess: (node: number) => number, lack: (node: number) => number): boolean {
  const chain = cheapestChain(exchange, excess, lack);
  // From the end, so that whatever is done is a gain; a step that an earlier one has ruled out ends the search.
  for (let at = chain.length - 1; at >= 0; at--) {
    const { partition, from, to } = chain[at]!;
    if (!exchange.allows(partition, from, to)) {
      for (const done of chain.slice(at + 1)) exchange.move(done.partition, done.to, done.from);
      return false;
    }
    exchange.move(partition, from, to);
  }
  return chain.length > 0;
}

/** The cheapest chain from any giver to any taker; among takers of the same price to the one that lacks most. */
function cheapestChain(
  exchange: Exchange,
  excess: (node: number) => number,
  lack: (node: number) => number,
): readonly Step[] {
  const nodes = exchange.loads.map((_, node) => node);
  const takers = nodes.filter((node) => lack(node) < 0).sort((a, b) => lack(a) - lack(b) || a - b);
  const givers = nodes.filter((node) => excess(node) > 0).sort((a, b) => excess(b) - excess(a) || a - b);
  if (takers.length === 0 || givers.length === 0) return [];
  const reachedBy = new Map<number, Step | undefined>(givers.map((node) => [node, undefined]));
  const taken = (): number | undefined => takers.find((node) => reachedBy.has(node));
  // All that free steps reach, and then, one by one, what a paid step more does.
  for (let front = givers; front.length > 0; ) {
    for (const from of front) front.push(...reach(exchange, from, reachedBy, true));
    const next: number[] = [];
    for (const from of front) {
      const taker = taken();
      if (taker !== undefined) return chainTo(taker, reachedBy);
      next.push(...reach(exchange, from, reachedBy, false));
    }
    front = next;
  }
  const taker = taken();
  return taker === undefined ? [] : chainTo(taker, reachedBy);
}

/** The nodes that one step from `from` reaches first, noted in `reachedBy`. */
function reach(
  exchange: Exchange,
  from: number,
  reachedBy: Map<number, Step | undefined>,
  free: boolean,
): readonly number[] {
  let open = exchange.loads.map((_, node) => node).filter((node) => !reachedBy.has(node));
  const reached: number[] = [];
  for (const partition of open.length === 0 ? [] : exchange.unitsOf(from, free)) {
    if (open.length === 0) break;
    for (const to of open) {
      if (exchange.isFree(partition, from, to) !== free || !exchange.allows(partition, from, to)) continue;
      reachedBy.set(to, { partition, from, to });
      reached.push(to);
    }
    open = open.filter((node) => !reachedBy.has(node));
  }
  return reached;
}

function chainTo(taker: number, reachedBy: ReadonlyMap<number, Step | undefined>): readonly Step[] {
  const chain: Step[] = [];
  for (let step = reachedBy.get(taker); step !== undefined; step = reachedBy.get(step.from)) chain.unshift(step);
  return chain;
}
