import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placementDiff, replicasMoved } from './placement-diff.ts';
import { fairShares, type PlacementTable, planPlacement } from './plan-placement.ts';
import type { PlacementNode } from './rendezvous.ts';

const PARTITIONS = 1024;
const REPLICAS = 3;

/** Fleets that grow node by node, as clusters do. */
const LAYOUTS: Readonly<Record<string, (index: number) => PlacementNode>> = {
  'a zone per node': (i) => ({ id: `n${i}`, host: `h${i}`, zone: `z${i}`, weight: 1 }),
  'one zone': (i) => ({ id: `n${i}`, host: `h${i}`, zone: 'z', weight: 1 }),
  'three zones': (i) => ({ id: `n${i}`, host: `h${i}`, zone: `z${i % 3}`, weight: 1 }),
  'five zones, two nodes a host': (i) => ({ id: `n${i}`, host: `h${i >> 1}`, zone: `z${(i >> 1) % 5}`, weight: 1 }),
  'weights from 1 to 3': (i) => ({ id: `n${i}`, host: `h${i}`, zone: `z${i}`, weight: 1 + (i % 3) }),
};

const fleet = (layout: string, size: number): PlacementNode[] =>
  Array.from({ length: size }, (_, index) => LAYOUTS[layout]!(index));

const plan = (nodes: readonly PlacementNode[], previous?: PlacementTable): PlacementTable =>
  planPlacement({ nodes, partitionCount: PARTITIONS, replicas: REPLICAS, ...(previous && { previous }) });

function count(ids: Iterable<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Everything a table must be, whatever it was planned from. */
function faults(table: PlacementTable, nodes: readonly PlacementNode[], replicas: number): readonly string[] {
  const found: string[] = [];
  const byId = new Map(nodes.map((node) => [node.id, node]));
  table.forEach((row, partition) => {
    const chosen = row.flatMap((id) => byId.get(id) ?? []);
    if (new Set(chosen).size !== Math.min(replicas, nodes.length) || chosen.length !== row.length) {
      found.push(`partition ${partition} has replicas ${row.join()}`);
    }
    const others = nodes.filter((node) => !row.includes(node.id));
    const inZone = (node: PlacementNode): number => chosen.filter(({ zone }) => zone === node.zone).length;
    const onHost = (node: PlacementNode): number => chosen.filter(({ host }) => host === node.host).length;
    for (const taken of chosen) {
      for (const free of others) {
        if (inZone(taken) > inZone(free) + 1) found.push(`partition ${partition} crowds zone ${taken.zone}`);
        if (taken.zone === free.zone && onHost(taken) > onHost(free) + 1) {
          found.push(`partition ${partition} crowds host ${taken.host}`);
        }
      }
    }
  });
  const shares = fairShares({ nodes, partitionCount: table.length, replicas });
  const loads = count(table.flat());
  const leads = count(table.map(([primary]) => primary!));
  for (const { id } of nodes) {
    const load = loads.get(id) ?? 0;
    // Where a unit of balance costs more than one move, a node may stay up to 5 % off.
    const share = shares.get(id)!;
    if (Math.abs(load - share) >= 1 && Math.abs(load - share) > 0.05 * share)
      found.push(`node ${id} holds ${load} of ${shares.get(id)}`);
    const lead = load / Math.min(replicas, nodes.length);
    if (Math.abs((leads.get(id) ?? 0) - lead) >= 1) found.push(`node ${id} leads ${leads.get(id)} of ${lead}`);
  }
  return found;
}

describe.each(Object.keys(LAYOUTS))('with %s, 1,024 partitions and 1 to 30 nodes', { timeout: 60_000 }, (layout) => {
  it('a plan from nothing is distinct, spread and balanced to one partition', () => {
    for (let size = 1; size <= 30; size += size < 8 ? 1 : 2) {
      const nodes = fleet(layout, size);
      expect(faults(plan(nodes), nodes, REPLICAS)).toEqual([]);
    }
  });

  it('a node that joins, or leaves, moves at most 5 % more than the fair shares change', () => {
    const tables: PlacementTable[] = [plan(fleet(layout, 1))];
    for (let size = 2; size <= 30; size++) {
      const nodes = fleet(layout, size);
      tables.push(plan(nodes, tables[size - 2]));
      expect(faults(tables[size - 1]!, nodes, REPLICAS)).toEqual([]);
      if (size <= REPLICAS) continue;
      const joined = replicasMoved(placementDiff(tables[size - 2]!, tables[size - 1]!));
      expect(joined).toBeLessThanOrEqual(1.05 * gain(fleet(layout, size - 1), nodes) + size);
      if (size % 4 !== 0) continue;
      const left = replicasMoved(placementDiff(tables[size - 1]!, plan(fleet(layout, size - 1), tables[size - 1])));
      expect(left).toBeLessThanOrEqual(1.05 * gain(nodes, fleet(layout, size - 1)) + size);
    }
  });
});

/** Replicas that must move at the least: what the nodes that ought to hold more ought to hold more. */
function gain(before: readonly PlacementNode[], after: readonly PlacementNode[]): number {
  const input = { partitionCount: PARTITIONS, replicas: REPLICAS };
  const old = fairShares({ ...input, nodes: before });
  const next = fairShares({ ...input, nodes: after });
  return [...next].reduce((sum, [id, share]) => sum + Math.max(0, share - (old.get(id) ?? 0)), 0);
}

describe('between equal nodes in zones of their own', { timeout: 60_000 }, () => {
  it('the largest node holds at most 1.10 times its share, and the n-th moves at most 1.05 times 1/n', () => {
    let previous: PlacementTable | undefined;
    for (let size = 3; size <= 30; size++) {
      const table: PlacementTable = plan(fleet('a zone per node', size), previous);
      const share = (PARTITIONS * REPLICAS) / size;
      expect(Math.max(...count(table.flat()).values())).toBeLessThanOrEqual(1.1 * share);
      const moved = replicasMoved(placementDiff(previous ?? table, table));
      expect(moved).toBeLessThanOrEqual(1.05 * share);
      previous = table;
    }
  });
});

/** Any fleet of up to 14 nodes, lopsided ones included. */
const anyFleet: fc.Arbitrary<readonly PlacementNode[]> = fc
  .uniqueArray(
    fc.record({ id: fc.nat(20), zone: fc.nat(4), host: fc.nat(3), weight: fc.constantFrom(0.5, 1, 1, 2, 5) }),
    { minLength: 1, maxLength: 14, selector: ({ id }) => id },
  )
  .map((drawn) =>
    drawn.map(({ id, zone, host, weight }) => ({ id: `n${id}`, zone: `z${zone}`, host: `z${zone}h${host}`, weight })),
  );

describe('for any fleet', { timeout: 60_000 }, () => {
  it('a plan is distinct, spread and balanced, from nothing and from the table of any other fleet', () => {
    const replicas = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(anyFleet, anyFleet, replicas, replicas, (before, after, few, many) => {
        const previous = planPlacement({ nodes: before, partitionCount: 64, replicas: few });
        expect(faults(previous, before, few)).toEqual([]);
        const next = planPlacement({ nodes: after, partitionCount: 64, replicas: many, previous });
        expect(faults(next, after, many)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('a plan from its own table changes nothing, and the order of the nodes does not matter', () => {
    fc.assert(
      fc.property(anyFleet, (nodes) => {
        const table = planPlacement({ nodes, partitionCount: 64, replicas: 3 });
        expect(planPlacement({ nodes, partitionCount: 64, replicas: 3, previous: table })).toEqual(table);
        expect(planPlacement({ nodes: [...nodes].reverse(), partitionCount: 64, replicas: 3 })).toEqual(table);
      }),
      { numRuns: 50 },
    );
  });
});
