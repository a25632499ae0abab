import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placementDiff, replicasMoved } from './placement-diff.ts';
import { fairShares, type PlacementTable, planPlacement } from './plan-placement.ts';
import type { PlacementNode } from './rendezvous.ts';

const PARTITIONS = 512;

/** A fleet as people build them: equal hosts in some zones, each with as many nodes. */
interface Layout {
  readonly zones: number;
  readonly perHost: number;
  readonly size: number;
  readonly replicas: number;
}

const layouts: fc.Arbitrary<Layout> = fc.record({
  zones: fc.integer({ min: 1, max: 6 }),
  perHost: fc.integer({ min: 1, max: 3 }),
  size: fc.integer({ min: 6, max: 24 }),
  replicas: fc.integer({ min: 1, max: 6 }),
});

function fleetOf({ zones, perHost }: Layout, size: number): PlacementNode[] {
  return Array.from({ length: size }, (_, index) => {
    const host = Math.floor(index / perHost);
    return { id: `n${index}`, host: `h${host}`, zone: `z${host % zones}`, weight: 1 };
  });
}

function plan(nodes: readonly PlacementNode[], replicas: number, previous?: PlacementTable): PlacementTable {
  return planPlacement({ nodes, partitionCount: PARTITIONS, replicas, ...(previous && { previous }) });
}

/** Replicas that must move at the least: what the nodes that ought to hold more ought to hold more. */
function gain(before: readonly PlacementNode[], after: readonly PlacementNode[], replicas: number): number {
  const old = fairShares({ nodes: before, partitionCount: PARTITIONS, replicas });
  const next = fairShares({ nodes: after, partitionCount: PARTITIONS, replicas });
  return [...next].reduce((sum, [id, share]) => sum + Math.max(0, share - (old.get(id) ?? 0)), 0);
}

/** By which factor a change moves more than it must, but for the rounding of shares to whole replicas. */
function excess(before: readonly PlacementNode[], after: readonly PlacementNode[], replicas: number): number {
  const first = plan(before, replicas);
  const done = replicasMoved(placementDiff(first, plan(after, replicas, first)));
  return (done - after.length) / Math.max(1, gain(before, after, replicas));
}

describe('in any regular layout', { timeout: 120_000 }, () => {
  it('a node that joins moves at most 5 % more than it must', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const { size, replicas } = layout;
        expect(excess(fleetOf(layout, size), fleetOf(layout, size + 1), replicas)).toBeLessThanOrEqual(1.05);
      }),
      { numRuns: 150 },
    );
  });

  // Its zone and host then hold less of each partition; what is above that has to go whoever held it.
  it('a node that leaves moves at most half as much again as it held, whichever it is', () => {
    fc.assert(
      fc.property(layouts, fc.nat(23), (layout, which) => {
        const nodes = fleetOf(layout, layout.size);
        const left = nodes.toSpliced(which % nodes.length, 1);
        expect(excess(nodes, left, layout.replicas)).toBeLessThanOrEqual(1.5);
      }),
      { numRuns: 150 },
    );
  });

  it('a node in the place of another, on its host, moves what that held and nothing else', () => {
    fc.assert(
      fc.property(layouts, fc.nat(23), (layout, which) => {
        const nodes = fleetOf(layout, layout.size);
        const place = which % nodes.length;
        const leaver = nodes[place]!.id;
        const first = plan(nodes, layout.replicas);
        const held = first.filter((row) => row.includes(leaver)).length;
        const second = plan(nodes.with(place, { ...nodes[place]!, id: 'new' }), layout.replicas, first);
        expect(replicasMoved(placementDiff(first, second))).toBe(held);
      }),
      { numRuns: 100 },
    );
  });

  it('another weight moves at most 30 % more than it must', () => {
    fc.assert(
      fc.property(layouts, fc.nat(23), fc.constantFrom(0.25, 0.5, 2, 3), (layout, which, weight) => {
        const nodes = fleetOf(layout, layout.size);
        const place = which % nodes.length;
        const changed = nodes.with(place, { ...nodes[place]!, weight });
        expect(excess(nodes, changed, layout.replicas)).toBeLessThanOrEqual(1.3);
      }),
      { numRuns: 150 },
    );
  });
});

describe('with several factors in use', { timeout: 120_000 }, () => {
  const factors = fc.record({ small: fc.integer({ min: 1, max: 3 }), large: fc.integer({ min: 4, max: 6 }) });

  it('the first replicas of each partition are themselves spread and balanced', () => {
    fc.assert(
      fc.property(layouts, factors, fc.boolean(), (layout, { small, large }, grows) => {
        const nodes = fleetOf(layout, layout.size);
        const input = { partitionCount: PARTITIONS, replicas: large, smallerFactors: [small] };
        const grown = fleetOf(layout, layout.size + 1);
        const first = planPlacement({ nodes, ...input });
        const table = grows ? planPlacement({ nodes: grown, ...input, previous: first }) : first;
        const fleet = grows ? grown : nodes;
        for (const replicas of [small, large]) {
          const shares = fairShares({ nodes: fleet, partitionCount: PARTITIONS, replicas });
          for (const [id, share] of shares) {
            const load = table.filter((row) => row.slice(0, replicas).includes(id)).length;
            // What the smaller factor has fixed leaves the larger one less choice.
            const slack = replicas === small ? 0.05 : 0.2;
            expect(Math.abs(load - share)).toBeLessThan(Math.max(1, slack * share + 1e-6));
          }
          for (const row of table) {
            const held = Map.groupBy(row.slice(0, replicas), (id) => fleet.find((node) => node.id === id)!.zone);
            const room = Map.groupBy(fleet, ({ zone }) => zone);
            for (const [zone, here] of room) {
              if ((held.get(zone)?.length ?? 0) === here.length) continue;
              for (const others of held.values()) {
                expect(others.length).toBeLessThanOrEqual((held.get(zone)?.length ?? 0) + 1);
              }
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('a factor that comes into use moves only what it adds', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const nodes = fleetOf(layout, layout.size);
        const first = plan(nodes, 3);
        const wider = planPlacement({
          nodes,
          partitionCount: PARTITIONS,
          replicas: 5,
          smallerFactors: [3],
          previous: first,
        });
        expect(wider.map((row) => row.slice(0, 3))).toEqual(first);
      }),
      { numRuns: 50 },
    );
  });
});

describe('in a large cluster', { timeout: 120_000 }, () => {
  it('1,000 nodes and 65,536 partitions are planned exactly, and a node joins and leaves by its own share', () => {
    const fleet = (size: number): PlacementNode[] =>
      Array.from({ length: size }, (_, index) => {
        return { id: `n${index}`, host: `h${index >> 1}`, zone: `z${(index >> 1) % 7}`, weight: 1 };
      });
    const input = { partitionCount: 65_536, replicas: 3 };
    const first = planPlacement({ nodes: fleet(1000), ...input });
    const grown = planPlacement({ nodes: fleet(1001), ...input, previous: first });
    const shrunk = planPlacement({ nodes: fleet(1001).slice(1), ...input, previous: grown });
    const ideal = (3 * 65_536) / 1001;
    expect(replicasMoved(placementDiff(first, grown))).toBeLessThanOrEqual(1.05 * ideal);
    expect(replicasMoved(placementDiff(grown, shrunk))).toBeLessThanOrEqual(1.05 * ideal);
    const loads = new Map<string, number>();
    for (const id of first.flat()) loads.set(id, (loads.get(id) ?? 0) + 1);
    expect(Math.max(...loads.values())).toBeLessThanOrEqual(Math.ceil((3 * 65_536) / 1000));
  });
});
