export { jumpHash } from './jump-hash.ts';
export { keyHash, seededHash } from './key-hash.ts';
export { PARTITION_BITS_DEFAULT, PARTITION_BITS_MAX, RING_POINTS_DEFAULT } from './limits.ts';
export { partitionOf } from './partition.ts';
export { type PartitionMove, placementDiff, replicasMoved } from './placement-diff.ts';
export { fairShares, type PlacementInput, type PlacementTable, planPlacement } from './plan-placement.ts';
export { type PlacementNode, preferenceList, rendezvousOrder, type WeightedNode } from './rendezvous.ts';
export { createRing, type HashRing } from './ring.ts';
