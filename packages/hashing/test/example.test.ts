import { keyHash, partitionOf, placementDiff, planPlacement, replicasMoved } from '@ferrite/hashing';
import { expect, it } from 'vitest';

it('the example of the README does what it says', () => {
  const nodes = ['n1', 'n2', 'n3'].map((id, index) => ({ id, host: `h${index}`, zone: `z${index}`, weight: 1 }));
  const before = planPlacement({ nodes, partitionCount: 1024, replicas: 3 });
  const key = new TextEncoder().encode('hello');
  expect(before[partitionOf(keyHash(key))]).toHaveLength(3);

  const grown = [...nodes, { id: 'n4', host: 'h3', zone: 'z3', weight: 1 }];
  const after = planPlacement({ nodes: grown, partitionCount: 1024, replicas: 3, previous: before });
  expect(replicasMoved(placementDiff(before, after))).toBe(768);
});
