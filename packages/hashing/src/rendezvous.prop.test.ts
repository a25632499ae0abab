import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlacementNode, preferenceList, rendezvousOrder } from './rendezvous.ts';

const PARTITIONS = 4096;

const nodesOf = (weights: readonly number[]): { id: string; weight: number }[] =>
  weights.map((weight, index) => ({ id: `n${index}`, weight }));

/** Up to 12 nodes in up to 4 zones, two to a host. */
const fleets: fc.Arbitrary<readonly PlacementNode[]> = fc
  .array(fc.record({ zone: fc.nat(3), host: fc.nat(2), weight: fc.constantFrom(0.5, 1, 2, 4) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((drawn) =>
    drawn.map(({ zone, host, weight }, index) => ({
      id: `n${index}`,
      zone: `z${zone}`,
      host: `z${zone}h${host}`,
      weight,
    })),
  );

describe('rendezvous order', () => {
  it('distinctness: every node comes exactly once', () => {
    fc.assert(
      fc.property(fleets, fc.nat(1023), (nodes, partition) => {
        expect([...rendezvousOrder(partition, nodes)].sort()).toEqual(nodes.map(({ id }) => id).sort());
      }),
    );
  });

  it('independence: whatever order the nodes are given in, the answer is the same', () => {
    fc.assert(
      fc.property(fleets, fc.nat(1023), (nodes, partition) => {
        expect(rendezvousOrder(partition, [...nodes].reverse())).toEqual(rendezvousOrder(partition, nodes));
      }),
    );
  });

  it('minimal movement: without a node the others keep their order', () => {
    fc.assert(
      fc.property(fleets, fc.nat(1023), fc.nat(11), (nodes, partition, which) => {
        const gone = nodes[which % nodes.length]!.id;
        const left = nodes.filter(({ id }) => id !== gone);
        expect(rendezvousOrder(partition, left)).toEqual(rendezvousOrder(partition, nodes).filter((id) => id !== gone));
      }),
    );
  });

  it('monotony: a node whose weight grows never falls behind', () => {
    fc.assert(
      fc.property(fleets, fc.nat(1023), fc.nat(11), (nodes, partition, which) => {
        const at = which % nodes.length;
        const heavier = nodes.with(at, { ...nodes[at]!, weight: nodes[at]!.weight * 3 });
        const place = (list: readonly PlacementNode[]): number =>
          rendezvousOrder(partition, list).indexOf(nodes[at]!.id);
        expect(place(heavier)).toBeLessThanOrEqual(place(nodes));
      }),
    );
  });

  it('balance: nodes lead in proportion to their weights, within 5 standard deviations', () => {
    for (const weights of [
      [1, 1, 1],
      [1, 2, 3, 4],
      [0.25, 8, 1, 1, 1],
    ]) {
      const nodes = nodesOf(weights);
      const leads = new Map<string, number>();
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const [first] = rendezvousOrder(partition, nodes);
        leads.set(first!, (leads.get(first!) ?? 0) + 1);
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const { id, weight } of nodes) {
        const share = weight / total;
        const deviation = Math.sqrt(PARTITIONS * share * (1 - share));
        expect(Math.abs((leads.get(id) ?? 0) - PARTITIONS * share)).toBeLessThan(5 * deviation);
      }
    }
  });

  it('refuses weights that are not above 0', () => {
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => rendezvousOrder(0, [{ id: 'n', weight }])).toThrow(
        expect.objectContaining({ reason: 'ARGUMENT_INVALID' }),
      );
    }
  });
});

describe('a preference list', () => {
  it('spread: zones first, then hosts hold a second replica only where no other has room', () => {
    fc.assert(
      fc.property(fleets, fc.nat(1023), fc.integer({ min: 1, max: 7 }), (nodes, partition, n) => {
        const list = preferenceList(partition, nodes, n);
        expect(list).toHaveLength(Math.min(n, nodes.length));
        expect(new Set(list).size).toBe(list.length);
        const chosen = nodes.filter(({ id }) => list.includes(id));
        const others = nodes.filter(({ id }) => !list.includes(id));
        const inZone = (zone: string): number => chosen.filter((node) => node.zone === zone).length;
        const onHost = (host: string): number => chosen.filter((node) => node.host === host).length;
        for (const taken of chosen) {
          for (const free of others) {
            expect(inZone(taken.zone)).toBeLessThanOrEqual(inZone(free.zone) + 1);
            expect(taken.zone !== free.zone || onHost(taken.host) <= onHost(free.host) + 1).toBe(true);
          }
        }
      }),
    );
  });

  it('begins with the first of the rendezvous order, and is that order where all zones differ', () => {
    const nodes = Array.from({ length: 6 }, (_, i) => ({
      id: `n${i}`,
      host: `h${i}`,
      zone: `z${i}`,
      weight: 1 + (i % 2),
    }));
    for (let partition = 0; partition < 64; partition++) {
      expect(preferenceList(partition, nodes, 4)).toEqual(rendezvousOrder(partition, nodes).slice(0, 4));
    }
  });
});
