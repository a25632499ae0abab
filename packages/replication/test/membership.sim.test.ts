import {
  MEMBERSHIP_BUGS,
  MEMBERSHIP_PRESETS,
  type MembershipMutation,
  type MembershipPreset,
  measureEarlyKill,
  runMembership,
} from '@ferrite/replication/testing';
import { describe, expect, it } from 'vitest';

const SEEDS = 200;
/** Within so many seeds a bug must show. */
const SEEDS_MAX = 1_000;

describe.each(MEMBERSHIP_PRESETS)('membership under the preset %s', (preset) => {
  it(`reports the truth in ${SEEDS} seeds, the same twice`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, hash } = runMembership(seed, { preset });
      expect(violations, `seed ${seed}`).toEqual([]);
      const again = seed % 20 === 0 ? runMembership(seed, { preset }).hash : hash;
      expect(again, `seed ${seed} twice`).toBe(hash);
    }
  });
});

const bugs = Object.entries(MEMBERSHIP_BUGS) as [MembershipMutation, MembershipPreset][];

describe.each(bugs)('the planted bug %s', (name, preset) => {
  it(`is found within ${SEEDS_MAX} seeds`, () => {
    let seed = 1;
    while (seed <= SEEDS_MAX && runMembership(seed, { preset, mutations: [name] }).violations.length === 0) seed++;
    expect(seed).toBeLessThanOrEqual(SEEDS_MAX);
  });
});

describe.each([3, 5, 10])('a node of %i that dies when the others have just been started', (nodes) => {
  it('is held for dead by all within 2 s in nearly every run', () => {
    // What a node missed because others were not there yet must not count as its own illness.
    const late = Array.from({ length: 200 }, (_, at) => measureEarlyKill(nodes, at + 1)).filter((ms) => ms > 2_000);
    expect(late.length).toBeLessThanOrEqual(4);
  });
});
