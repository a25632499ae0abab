import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRing } from './ring.ts';

const nodes = Array.from({ length: 8 }, (_, index) => ({ id: `n${index}`, weight: 1 }));
const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
/** 20,000 hashes that cover the ring evenly. */
const samples = Array.from({ length: 20_000 }, (_, index) => (BigInt(index) << 64n) / 20_000n);

describe('a ring', () => {
  it('distinctness: owners are different nodes, the first of them the owner', () => {
    const ring = createRing(nodes);
    fc.assert(
      fc.property(hash, fc.integer({ min: 1, max: 10 }), (at, n) => {
        const owners = ring.owners(at, n);
        expect(new Set(owners).size).toBe(Math.min(n, nodes.length));
        expect(owners).toHaveLength(Math.min(n, nodes.length));
        expect(owners[0]).toBe(ring.owner(at));
      }),
    );
  });

  it('minimal movement: without a node only its own keys move', () => {
    const whole = createRing(nodes);
    const without = createRing(nodes.filter(({ id }) => id !== 'n3'));
    fc.assert(
      fc.property(hash, (at) => {
        const heirs = whole.owners(at, 2).filter((id) => id !== 'n3');
        expect(without.owner(at)).toBe(heirs[0]);
      }),
    );
  });

  it('balance: a node owns in proportion to its weight, within 40 %', () => {
    const ring = createRing([...nodes, { id: 'big', weight: 4 }]);
    const owned = Map.groupBy(samples, (at) => ring.owner(at));
    for (const { id } of nodes)
      expect(Math.abs(owned.get(id)!.length * 12 - samples.length)).toBeLessThan(0.4 * samples.length);
    expect(Math.abs(owned.get('big')!.length * 3 - samples.length)).toBeLessThan(0.4 * samples.length);
  });

  it('closes: behind the last point comes the first', () => {
    const ring = createRing(nodes, 1);
    expect(ring.owner(2n ** 64n - 1n)).toBe(ring.owner(0n));
  });

  it('needs nodes, and weights above 0', () => {
    const invalid = expect.objectContaining({ reason: 'ARGUMENT_INVALID' });
    expect(() => createRing([])).toThrow(invalid);
    expect(() => createRing([{ id: 'n', weight: -1 }])).toThrow(invalid);
  });
});
