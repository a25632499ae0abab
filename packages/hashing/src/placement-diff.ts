import type { PlacementTable } from './plan-placement.ts';

/** What changes for one partition between two tables. */
export interface PartitionMove {
  readonly partition: number;
  /** Ids of the nodes that become replicas, in the order of the new table; each has to receive the data. */
  readonly added: readonly string[];
  /** Ids of the nodes that cease to be replicas, in the order of the old table. */
  readonly removed: readonly string[];
  /** The first replica before and after, where it changes. */
  readonly primary?: { readonly before: string | undefined; readonly after: string | undefined };
}

/** The moves that lead from one table to another, ascending by partition; partitions that stay as they are have none. */
export function placementDiff(before: PlacementTable, after: PlacementTable): readonly PartitionMove[] {
  const moves: PartitionMove[] = [];
  for (let partition = 0; partition < Math.max(before.length, after.length); partition++) {
    const old = before[partition] ?? [];
    const next = after[partition] ?? [];
    const added = next.filter((id) => !old.includes(id));
    const removed = old.filter((id) => !next.includes(id));
    const samePrimary = old[0] === next[0];
    if (added.length === 0 && removed.length === 0 && samePrimary) continue;
    const primary = samePrimary ? {} : { primary: { before: old[0], after: next[0] } };
    moves.push({ partition, added, removed, ...primary });
  }
  return moves;
}

/** How many replicas the moves copy: the cost of a change. */
export function replicasMoved(moves: readonly PartitionMove[]): number {
  return moves.reduce((sum, { added }) => sum + added.length, 0);
}
