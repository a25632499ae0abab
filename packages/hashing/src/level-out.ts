/** A way to pass single units of load between nodes, each unit belonging to a partition. */
export interface Exchange {
  /** Units each node has now; `move` keeps it up to date. */
  readonly loads: readonly number[];
  /** True if `from` may hand its unit of `partition` to `to`. */
  allows(partition: number, from: number, to: number): boolean;
  move(partition: number, from: number, to: number): void;
  /** The partitions of which `from` has a unit to give, ascending. */
  unitsOf(from: number): readonly number[];
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
 * with too little directly, or through a chain of others where the rules forbid that; shortest chains first, as in
 * Edmonds, Karp, "Theoretical improvements in algorithmic efficiency for network flow problems" (JACM 1972).
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
  const chain = shortestChain(exchange, excess, lack);
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

/** Breadth first from all givers, those with most first; among takers at the same distance the one that lacks most. */
function shortestChain(
  exchange: Exchange,
  excess: (node: number) => number,
  lack: (node: number) => number,
): readonly Step[] {
  const nodes = exchange.loads.map((_, node) => node);
  const queue = nodes.filter((node) => excess(node) > 0).sort((a, b) => excess(b) - excess(a) || a - b);
  if (queue.length === 0 || !nodes.some((node) => lack(node) < 0)) return [];
  const reachedBy = new Map<number, Step | undefined>(queue.map((node) => [node, undefined]));
  for (let head = 0; head < queue.length; head++) {
    const from = queue[head]!;
    let taker = -1;
    let open = nodes.filter((node) => !reachedBy.has(node));
    for (const partition of exchange.unitsOf(from)) {
      if (open.length === 0) break;
      const reached = open.filter((to) => exchange.allows(partition, from, to));
      if (reached.length === 0) continue;
      open = open.filter((to) => !reached.includes(to));
      for (const to of reached) {
        reachedBy.set(to, { partition, from, to });
        queue.push(to);
        if (lack(to) < 0 && (taker < 0 || lack(to) < lack(taker))) taker = to;
      }
    }
    if (taker >= 0) return chainTo(taker, reachedBy);
  }
  return [];
}

function chainTo(taker: number, reachedBy: ReadonlyMap<number, Step | undefined>): readonly Step[] {
  const chain: Step[] = [];
  for (let step = reachedBy.get(taker); step !== undefined; step = reachedBy.get(step.from)) chain.unshift(step);
  return chain;
}
