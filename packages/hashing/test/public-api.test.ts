import * as api from '@ferrite/hashing';
import { expect, it } from 'vitest';

it('offers exactly these names', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "PARTITION_BITS_DEFAULT",
      "PARTITION_BITS_MAX",
      "RING_POINTS_DEFAULT",
      "createRing",
      "fairShares",
      "jumpHash",
      "keyHash",
      "partitionOf",
      "placementDiff",
      "planPlacement",
      "preferenceList",
      "rendezvousOrder",
      "replicasMoved",
      "seededHash",
    ]
  `);
});
