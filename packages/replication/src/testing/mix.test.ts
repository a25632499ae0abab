import { expect, it } from 'vitest';
import { drawMix, overlay, presetOf } from './mix.ts';
import { NEMESES } from './nemeses.ts';
import { runSeed } from './run-seed.ts';
import { drawScenario } from './scenario.ts';
import { WORKLOADS } from './workloads.ts';

const SEEDS = Array.from({ length: 400 }, (_, seed) => seed);

it('draws every workload and every nemesis, and keeps to what is given', () => {
  expect(new Set(SEEDS.map((seed) => drawMix(seed).workload))).toEqual(new Set(Object.keys(WORKLOADS)));
  expect(new Set(SEEDS.map((seed) => drawMix(seed).nemesis))).toEqual(new Set(Object.keys(NEMESES)));
  const { workload } = drawMix(7);
  expect(drawMix(7, { nemesis: 'power' })).toEqual({ workload, nemesis: 'power' });
});

it('lets the nemesis decide where both fix the same, and joins what each says of its own', () => {
  const preset = overlay({ keys: 3, ops: { get: 1 } }, { keys: 4, disk: { slow: 1 } });
  expect(preset).toEqual({ keys: 4, ops: { get: 1 }, disk: { slow: 1 } });
  const scenario = drawScenario(1, presetOf({ workload: 'hot-key', nemesis: 'power' }));
  expect(scenario.hotShare).toBe(0.9);
  expect(scenario.faults.isolate).toBe(0);
});

it('goes on with the load until a run has met as many events as it should', () => {
  const preset = { loadMs: 100, clients: 1, thinkMs: 100 };
  expect(runSeed(1, { preset }).events).toBeLessThan(2_000);
  expect(runSeed(1, { preset: { ...preset, eventsMin: 2_000 } }).events).toBeGreaterThanOrEqual(2_000);
});
