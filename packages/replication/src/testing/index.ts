export type { MembershipMutation } from '../core/membership/mutation.ts';
export type { MutationName } from '../core/mutation.ts';
export { checkHistory } from './checker.ts';
export type { FinalState, History, ReadRecord, Rule, SeenValue, Violation, WriteRecord } from './history.ts';
export { measureEarlyKill } from './membership/measure-early-kill.ts';
export { type MembershipFigures, measureMembership } from './membership/measure-membership.ts';
export { MEMBERSHIP_BUGS } from './membership/planted.ts';
export {
  DETECTION_MS_MAX,
  MEMBERSHIP_PRESETS,
  type MembershipPreset,
  type MembershipRun,
  runMembership,
} from './membership/run-membership.ts';
export { drawMix, type Mix, overlay, presetOf } from './mix.ts';
export { NEMESES, type NemesisName } from './nemeses.ts';
export { PLANTED_BUGS } from './planted-bugs.ts';
export { Prng } from './prng.ts';
export { runScenario, runSeed, type SimOptions, type SimResult } from './run-seed.ts';
export {
  drawScenario,
  FAULTS,
  type Fault,
  type OpKind,
  type Scenario,
  type ScenarioPreset,
  type ScriptedRequest,
} from './scenario.ts';
export { type Shrunk, shrink } from './shrink.ts';
export { WORKLOADS, type WorkloadName } from './workloads.ts';
