import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDot,
  compareContexts,
  contains,
  contextOf,
  descends,
  emptyContext,
  highestCounter,
  join,
} from './causal-context.ts';
import { contexts, denseDot, dotName, dotNames, FEW_ACTORS } from './testing/index.ts';

describe('contexts form a lattice under join', () => {
  it('commutativity: join(a, b) = join(b, a)', () => {
    fc.assert(
      fc.property(contexts(), contexts(), (a, b) => {
        expect(join(a, b)).toEqual(join(b, a));
      }),
    );
  });

  it('associativity: join(join(a, b), c) = join(a, join(b, c))', () => {
    fc.assert(
      fc.property(contexts(), contexts(), contexts(), (a, b, c) => {
        expect(join(join(a, b), c)).toEqual(join(a, join(b, c)));
      }),
    );
  });

  it('idempotence and identity: join(a, a) = a = join(a, empty)', () => {
    fc.assert(
      fc.property(fc.array(denseDot()), (dots) => {
        const a = contextOf(dots);
        expect(join(a, contextOf(dots))).toEqual(a);
        expect(join(a, emptyContext)).toEqual(a);
      }),
    );
  });

  it('least upper bound: join descends from both, and whatever descends from both descends from it', () => {
    fc.assert(
      fc.property(contexts(), contexts(), contexts(), (a, b, c) => {
        const joined = join(a, b);
        expect(descends(joined, a) && descends(joined, b)).toBe(true);
        expect(descends(c, joined)).toBe(descends(c, a) && descends(c, b));
        const above = join(c, joined);
        expect(descends(above, a) && descends(above, b)).toBe(true);
      }),
    );
  });
});

describe('contexts agree with plain sets of dots', () => {
  it('exactness: a context covers the dots it was made of, in any order, and no others', () => {
    fc.assert(
      fc.property(fc.array(denseDot()), denseDot(), (dots, other) => {
        const context = contextOf(dots);
        expect(dotNames(context)).toEqual(new Set(dots.map(dotName)));
        expect(contains(context, other)).toBe(dots.some((dot) => dotName(dot) === dotName(other)));
        expect(contextOf([...dots].reverse())).toEqual(context);
      }),
    );
  });

  it('join is union, addDot is insertion, descends is inclusion', () => {
    fc.assert(
      fc.property(contexts(), contexts(), denseDot(), (a, b, dot) => {
        expect(dotNames(join(a, b))).toEqual(dotNames(a).union(dotNames(b)));
        expect(dotNames(addDot(a, dot))).toEqual(dotNames(a).union(new Set([dotName(dot)])));
        expect(descends(a, b)).toBe(dotNames(b).isSubsetOf(dotNames(a)));
      }),
    );
  });

  it('compareContexts is the inclusion of either in the other', () => {
    fc.assert(
      fc.property(contexts(), contexts(), (a, b) => {
        const before = dotNames(a).isSubsetOf(dotNames(b));
        const after = dotNames(b).isSubsetOf(dotNames(a));
        const expected = before ? (after ? 'equal' : 'before') : after ? 'after' : 'concurrent';
        expect(compareContexts(a, b)).toBe(expected);
      }),
    );
  });

  it('canonical form: entries ascend, none is empty, separate dots ascend and leave a gap first', () => {
    fc.assert(
      fc.property(contexts(), contexts(), (a, b) => {
        const { entries } = join(a, b);
        entries.forEach(({ actor, contiguous, separate }, index) => {
          expect(index === 0 || entries[index - 1]!.actor < actor).toBe(true);
          expect(contiguous + separate.length).toBeGreaterThan(0);
          const all = [contiguous + 1, ...separate];
          expect(all.every((counter, at) => at === 0 || all[at - 1]! < counter)).toBe(true);
        });
      }),
    );
  });

  it('highestCounter is the maximum', () => {
    fc.assert(
      fc.property(fc.array(denseDot()), fc.constantFrom(...FEW_ACTORS), (dots, actor) => {
        const counters = dots.filter((dot) => dot.actor === actor).map((dot) => dot.counter);
        expect(highestCounter(contextOf(dots), actor)).toBe(Math.max(0, ...counters));
      }),
    );
  });
});
