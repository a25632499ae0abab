import { NEMESES, type NemesisName } from './nemeses.ts';
import { Prng } from './prng.ts';
import type { ScenarioPreset } from './scenario.ts';
import { WORKLOADS, type WorkloadName } from './workloads.ts';

/** A workload under a nemesis. */
export interface Mix {
  readonly workload: WorkloadName;
  readonly nemesis: NemesisName;
}

/** The mix of a seed; what is not given is drawn, half of the time the broadest there is. */
export function drawMix(seed: number, given: Partial<Mix> = {}): Mix {
  const prng = new Prng(seed, 'mix');
  const draw = <T extends string>(all: Readonly<Record<T, unknown>>, broadest: T): T =>
    prng.chance(0.5) ? broadest : prng.pick(Object.keys(all) as T[]);
  const workload = draw(WORKLOADS, 'mixed');
  const nemesis = draw(NEMESES, 'any');
  return { workload: given.workload ?? workload, nemesis: given.nemesis ?? nemesis };
}

export function presetOf({ workload, nemesis }: Mix): ScenarioPreset {
  return overlay(WORKLOADS[workload], NEMESES[nemesis]);
}

/** Both presets as one; where both fix the same, the second wins. */
export function overlay(first: ScenarioPreset, second: ScenarioPreset): ScenarioPreset {
  return {
    ...first,
    ...second,
    ...(first.ops || second.ops ? { ops: { ...first.ops, ...second.ops } } : {}),
    ...(first.network || second.network ? { network: { ...first.network, ...second.network } } : {}),
    ...(first.disk || second.disk ? { disk: { ...first.disk, ...second.disk } } : {}),
  };
}
