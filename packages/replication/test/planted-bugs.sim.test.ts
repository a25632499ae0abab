import { type MutationName, PLANTED_BUGS, runSeed, type ScenarioPreset } from '@ferrite/replication/testing';
import { describe, expect, it } from 'vitest';

/** Within so many seeds a bug must show. */
const SEEDS_MAX = 1_000;
/** So many seeds of its preset must pass without it. */
const CLEAN_SEEDS = 10;

const bugs = Object.entries(PLANTED_BUGS) as [MutationName, ScenarioPreset][];

describe.each(bugs)('the planted bug %s', (name, preset) => {
  it(`is found within ${SEEDS_MAX} seeds`, () => {
    const mutations = [name];
    let seed = 1;
    while (seed <= SEEDS_MAX && runSeed(seed, { preset, mutations }).violations.length === 0) seed++;
    expect(seed).toBeLessThanOrEqual(SEEDS_MAX);
  });

  it('is what was found: its preset passes without it', () => {
    for (let seed = 1; seed <= CLEAN_SEEDS; seed++) {
      expect(runSeed(seed, { preset }).violations, `seed ${seed}`).toEqual([]);
    }
  });
});
