import { drawMix, FAULTS, presetOf, runSeed } from '@ferrite/replication/testing';
import { expect, it } from 'vitest';

const SEEDS = 1_000;
const BATCH = 100;
const TWICE_EVERY = 50;

const seen = new Set<string>();

for (let first = 1; first <= SEEDS; first += BATCH) {
  const last = first + BATCH - 1;
  it(`keeps every promise in every mix of workload and nemesis: seeds ${first} to ${last}`, () => {
    for (let seed = first; seed <= last; seed++) {
      const preset = presetOf(drawMix(seed));
      const { violations, hash, faults } = runSeed(seed, { preset });
      expect(violations, `npm run sim -- --events-min 0 --seeds 1 --seed ${seed}`).toEqual([]);
      for (const fault of Object.keys(faults)) seen.add(fault);
      const again = seed % TWICE_EVERY === 0 ? runSeed(seed, { preset }).hash : hash;
      expect(again, `seed ${seed} twice`).toBe(hash);
    }
  });
}

it('has injected every kind of fault by then', () => {
  expect(seen).toEqual(new Set(FAULTS));
});

it('does not give every seed the same run', () => {
  expect(new Set([1, 2, 3, 4, 5].map((seed) => runSeed(seed).hash)).size).toBe(5);
});
