/** What the cluster holds of a node. It is a report: nothing is moved, removed or refused because of it alone. */
export type Liveness = 'alive' | 'suspect' | 'dead';

/** One node's word about another, as it travels. */
export interface Claim {
  readonly node: string;
  readonly state: Liveness;
  /** How often that node's disk has been opened (P9): a restarted process starts afresh, whatever was said before. */
  readonly boot: number;
  /** Raised only by the node itself, to refute what is said of it within one boot. */
  readonly incarnation: number;
  /** Who says so: the node itself if alive, else the node that could not reach it. */
  readonly by: string;
}

const RANK = { alive: 0, suspect: 1, dead: 2 } as const satisfies Record<Liveness, number>;

/** Negative if `a` is of an earlier life than `b`, 0 if of the same, else positive. */
export function compareLives(a: Pick<Claim, 'boot' | 'incarnation'>, b: Pick<Claim, 'boot' | 'incarnation'>): number {
  return a.boot - b.boot || a.incarnation - b.incarnation;
}

/**
 * Whether `claim` is news to one who holds `held` (INV-SWIM-1). A later life always wins; within one life bad news wins,
 * so that everyone ends with the same claim whatever the order in which claims arrive.
 */
export function supersedes(claim: Claim, held: Claim): boolean {
  const later = compareLives(claim, held);
  return later > 0 || (later === 0 && RANK[claim.state] > RANK[held.state]);
}
