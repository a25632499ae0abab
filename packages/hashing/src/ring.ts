import { StoreError } from '@ferrite/errors';
import { seededHash } from './key-hash.ts';
import { RING_POINTS_DEFAULT } from './limits.ts';
import type { WeightedNode } from './rendezvous.ts';

/** A ring of virtual nodes, immutable. */
export interface HashRing {
  /** The id of the node whose point follows `hash` (0 to 2^64 - 1) most closely. */
  owner(hash: bigint): string;
  /** The ids of the first `n` different nodes from `hash` on; all of them, if there are fewer. */
  owners(hash: bigint, n: number): readonly string[];
}

/**
 * Consistent hashing with `points` virtual nodes per unit of weight (at least one per node). Karger et al., "Consistent
 * hashing and random trees" (STOC 1997). Ferrite places by table; this is for those who need no table.
 * `ARGUMENT_INVALID` without nodes, or for a weight that is not above 0.
 */
export function createRing(nodes: readonly WeightedNode[], points: number = RING_POINTS_DEFAULT): HashRing {
  if (nodes.length === 0) throw new StoreError('ARGUMENT_INVALID', { message: 'a ring needs at least one node' });
  const ring = nodes
    .flatMap(({ id, weight }) => {
      if (!(weight > 0 && Number.isFinite(weight))) {
        throw new StoreError('ARGUMENT_INVALID', { message: `the weight of node ${id} is not a number above 0` });
      }
      const count = Math.max(1, Math.round(points * weight));
      return Array.from({ length: count }, (_, index) => ({ id, at: seededHash(id, BigInt(index)) }));
    })
    .sort((a, b) => (a.at === b.at ? (a.id < b.id ? -1 : 1) : a.at < b.at ? -1 : 1));

  const next = (hash: bigint): number => {
    let low = 0;
    let high = ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ring[middle]!.at < hash) low = middle + 1;
      else high = middle;
    }
    return low % ring.length;
  };

  return {
    owner: (hash) => ring[next(hash)]!.id,
    owners: (hash, n) => {
      const ids = new Set<string>();
      const start = next(hash);
      for (let step = 0; step < ring.length && ids.size < n; step++) ids.add(ring[(start + step) % ring.length]!.id);
      return [...ids];
    },
  };
}
