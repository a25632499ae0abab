import { describe, expect, it } from 'vitest';
import { fairShares, planPlacement } from './plan-placement.ts';

const node = (id: string, zone = id, weight = 1) => ({ id, host: `h-${id}`, zone, weight });
const invalid = expect.objectContaining({ reason: 'ARGUMENT_INVALID' });

describe('a plan', () => {
  it('puts every partition on every node while there are no more nodes than replicas', () => {
    const table = planPlacement({ nodes: [node('a'), node('b')], partitionCount: 4, replicas: 3 });
    for (const row of table) expect([...row].sort()).toEqual(['a', 'b']);
    expect(table.filter(([primary]) => primary === 'a')).toHaveLength(2);
  });

  it('drops a node that is gone and fills its places without moving anything else', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => node(id));
    const before = planPlacement({ nodes, partitionCount: 60, replicas: 3 });
    const after = planPlacement({ nodes: nodes.slice(1), partitionCount: 60, replicas: 3, previous: before });
    after.forEach((row, partition) => {
      const kept = before[partition]!.filter((id) => id !== 'a');
      expect(row).toEqual(expect.arrayContaining(kept));
    });
  });

  it('moves replicas out of a shared zone once there is a zone with room', () => {
    const nodes = [node('a', 'z1'), node('b', 'z1'), node('c', 'z2')];
    const before = planPlacement({ nodes, partitionCount: 16, replicas: 3 });
    const after = planPlacement({
      nodes: [...nodes, node('d', 'z3')],
      partitionCount: 16,
      replicas: 3,
      previous: before,
    });
    for (const row of after) {
      expect(row).toContain('c');
      expect(row).toContain('d');
    }
  });

  it('gives a heavier node more, as far as one replica per partition allows', () => {
    const nodes = [node('a', 'a', 2), node('b'), node('c'), node('d')];
    const shares = fairShares({ nodes, partitionCount: 100, replicas: 2 });
    expect(Object.fromEntries([...shares].map(([id, share]) => [id, Math.round(share)]))).toEqual({
      a: 80,
      b: 40,
      c: 40,
      d: 40,
    });
    const greedy = fairShares({ nodes: [node('a', 'a', 50), node('b'), node('c')], partitionCount: 100, replicas: 2 });
    expect(Object.fromEntries([...greedy].map(([id, share]) => [id, Math.round(share)]))).toEqual({
      a: 100,
      b: 50,
      c: 50,
    });
  });

  it('takes more or fewer replicas, and more or fewer partitions, than the table in force has', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((id) => node(id));
    const previous = planPlacement({ nodes, partitionCount: 8, replicas: 2 });
    const wider = planPlacement({ nodes, partitionCount: 16, replicas: 3, previous });
    expect(wider.map((row) => row.length)).toEqual(Array.from({ length: 16 }, () => 3));
    const narrower = planPlacement({ nodes, partitionCount: 4, replicas: 1, previous: wider });
    expect(narrower.map((row) => row.length)).toEqual([1, 1, 1, 1]);
  });

  it.each([
    ['no nodes', { nodes: [] }],
    ['an id twice', { nodes: [node('a'), node('a')] }],
    ['a weight of 0', { nodes: [node('a', 'a', 0)] }],
    ['no replicas', { replicas: 0 }],
    ['half a replica', { replicas: 1.5 }],
    ['no partitions', { partitionCount: 0 }],
    ['too many partitions', { partitionCount: 65_537 }],
  ])('is refused for %s', (_, change) => {
    expect(() => planPlacement({ nodes: [node('a')], partitionCount: 8, replicas: 1, ...change })).toThrow(invalid);
  });
});
