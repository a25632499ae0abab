import { describe, expect, it } from 'vitest';
import { actorId } from './actor-id.ts';
import {
  actorsOf,
  addDot,
  compareContexts,
  contains,
  contextOf,
  descends,
  emptyContext,
  highestCounter,
  isEmptyContext,
  join,
  retireActors,
} from './causal-context.ts';
import { compareDots, dot } from './dot.ts';

const a = actorId('a'.repeat(32));
const b = actorId('b'.repeat(32));

describe('a causal context', () => {
  it('covers the dots it was given and no others, gaps included', () => {
    const context = contextOf([dot(a, 5), dot(a, 1), dot(b, 2)]);
    expect(contains(context, dot(a, 1))).toBe(true);
    expect(contains(context, dot(a, 5))).toBe(true);
    for (const counter of [2, 3, 4, 6]) expect(contains(context, dot(a, counter))).toBe(false);
    expect(contains(context, dot(b, 1))).toBe(false);
    expect(contains(context, dot(b, 2))).toBe(true);
  });

  it('absorbs separate dots once the gap before them closes', () => {
    const gap = contextOf([dot(a, 1), dot(a, 3), dot(a, 4), dot(a, 6)]);
    expect(gap.entries).toEqual([{ actor: a, contiguous: 1, separate: [3, 4, 6] }]);
    expect(addDot(gap, dot(a, 2)).entries).toEqual([{ actor: a, contiguous: 4, separate: [6] }]);
  });

  it('knows the highest counter of an actor, separate dots included, and 0 for a stranger', () => {
    const context = contextOf([dot(a, 1), dot(a, 9)]);
    expect(highestCounter(context, a)).toBe(9);
    expect(highestCounter(contextOf([dot(a, 1), dot(a, 2)]), a)).toBe(2);
    expect(highestCounter(context, b)).toBe(0);
    expect(actorsOf(context)).toEqual([a]);
  });

  it('does not descend from one that covers a dot in its gap', () => {
    const gap = contextOf([dot(a, 1), dot(a, 3)]);
    expect(descends(gap, contextOf([dot(a, 2)]))).toBe(false);
    expect(compareContexts(gap, contextOf([dot(a, 2)]))).toBe('concurrent');
    expect(compareContexts(gap, contextOf([dot(a, 1), dot(a, 2), dot(a, 3)]))).toBe('before');
    expect(compareContexts(contextOf([dot(a, 1), dot(b, 1)]), contextOf([dot(b, 1)]))).toBe('after');
    expect(compareContexts(gap, contextOf([dot(a, 3), dot(a, 1)]))).toBe('equal');
    expect(compareContexts(emptyContext, gap)).toBe('before');
  });

  it('is returned unchanged, as the same object, by whatever adds nothing', () => {
    const context = contextOf([dot(a, 1), dot(b, 4)]);
    expect(addDot(context, dot(b, 4))).toBe(context);
    expect(join(context, contextOf([dot(b, 4)]))).toBe(context);
    expect(join(emptyContext, context)).toBe(context);
    expect(retireActors(context, new Set())).toBe(context);
  });

  it('forgets retired actors and keeps the others', () => {
    const context = contextOf([dot(a, 1), dot(b, 4)]);
    expect(actorsOf(retireActors(context, new Set([a])))).toEqual([b]);
    expect(isEmptyContext(retireActors(context, new Set([a, b])))).toBe(true);
  });
});

describe('a dot', () => {
  it('has a counter from 1 to 2^53 - 1', () => {
    expect(dot(a, Number.MAX_SAFE_INTEGER).counter).toBe(Number.MAX_SAFE_INTEGER);
    for (const counter of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => dot(a, counter)).toThrow(expect.objectContaining({ reason: 'ARGUMENT_INVALID' }));
    }
  });

  it('sorts by actor, then by counter as a number', () => {
    const sorted = [dot(b, 1), dot(a, 10), dot(a, 9)].sort(compareDots);
    expect(sorted).toEqual([dot(a, 9), dot(a, 10), dot(b, 1)]);
  });
});
