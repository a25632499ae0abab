import { expect, it } from 'vitest';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { runScenario } from './run-seed.ts';
import { drawScenario } from './scenario.ts';
import { shrink } from './shrink.ts';

it('finds a smaller scenario that breaks the same rule, and runs again as it was found', () => {
  const mutations = ['wiped-counts-as-member'] as const;
  const preset = PLANTED_BUGS[mutations[0]];
  let seed = 1;
  while (runScenario(seed, drawScenario(seed, preset), { mutations }).violations.length === 0) seed++;
  const scenario = drawScenario(seed, preset);
  const first = runScenario(seed, scenario, { mutations });
  const shrunk = shrink(seed, scenario, { mutations, runsMax: 600 });

  expect(shrunk?.runs).toBeLessThanOrEqual(600);
  expect(shrunk?.result.events).toBeLessThan(first.events / 2);
  expect(shrunk?.result.issued.length).toBeLessThan(first.issued.length / 4);
  expect(shrunk?.result.injected).toEqual(expect.arrayContaining([expect.stringMatching(/^wipe\./)]));
  const rule = first.violations[0]!.rule;
  const again = runScenario(seed, JSON.parse(JSON.stringify(shrunk!.scenario)), { mutations });
  expect(again.violations.map((each) => each.rule)).toContain(rule);
  expect(again.hash).toBe(shrunk?.result.hash);
});

it('has nothing to say of a scenario that breaks no rule', () => {
  expect(shrink(1, drawScenario(1, { loadMs: 200, faults: {} }))).toBeUndefined();
});
