import { describe, expect, it } from 'vitest';
import type { Peer } from '../suite.ts';
import { bestOf } from './best-of.ts';

function peer(name: string, rates: readonly number[]): Peer {
  let turn = 0;
  return { name, config: `as ${name} comes`, measure: async () => ({ rate: rates[turn++] ?? 0 }) };
}

describe('the best of several peers', () => {
  it('is the fastest of each turn, and tells what each of them reached', async () => {
    const best = bestOf([peer('a', [1000, 3000]), peer('b', [2000, 2500])]);
    if ('missing' in best) throw new Error(best.missing);
    expect([await best.measure(1), await best.measure(1)]).toEqual([{ rate: 2000 }, { rate: 3000 }]);
    expect(best.config).toBe('a 2,000/s (as a comes); b 2,250/s (as b comes)');
  });

  it('is unknown while one of them is missing', () => {
    expect(bestOf([peer('a', [1]), { missing: 'b is not installed' }])).toEqual({ missing: 'b is not installed' });
  });
});
