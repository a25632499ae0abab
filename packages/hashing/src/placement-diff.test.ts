import { describe, expect, it } from 'vitest';
import { placementDiff, replicasMoved } from './placement-diff.ts';

describe('the difference of two tables', () => {
  it('names what each partition gains and loses, and a change of primary', () => {
    const before = [
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b'],
    ];
    const after = [
      ['a', 'b', 'c'],
      ['a', 'd', 'b'],
      ['b', 'a', 'c'],
      ['e', 'f'],
    ];
    const moves = placementDiff(before, after);
    expect(moves).toEqual([
      { partition: 1, added: ['d'], removed: ['c'] },
      { partition: 2, added: [], removed: [], primary: { before: 'a', after: 'b' } },
      { partition: 3, added: ['e', 'f'], removed: ['a', 'b'], primary: { before: 'a', after: 'e' } },
    ]);
    expect(replicasMoved(moves)).toBe(3);
  });

  it('is empty between equal tables, and whole from or to an empty one', () => {
    const table = [['a'], ['b']];
    expect(placementDiff(table, [['a'], ['b']])).toEqual([]);
    expect(placementDiff([], table)[1]).toEqual({
      partition: 1,
      added: ['b'],
      removed: [],
      primary: { before: undefined, after: 'b' },
    });
    expect(placementDiff(table, []).map(({ removed }) => removed)).toEqual([['a'], ['b']]);
  });
});
