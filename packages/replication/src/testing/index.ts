export type { MutationName } from '../core/mutation.ts';
export { checkHistory } from './checker.ts';
export type { FinalState, History, ReadRecord, Rule, SeenValue, Violation, WriteRecord } from './history.ts';
export { PLANTED_BUGS } from './planted-bugs.ts';
export { Prng } from './prng.ts';
export { runSeed, type SimOptions, type SimResult } from './run-seed.ts';
export { drawScenario, type Fault, type OpKind, type Scenario, type ScenarioPreset } from './scenario.ts';
