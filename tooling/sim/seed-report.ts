import {
  drawMix,
  drawScenario,
  overlay,
  PLANTED_BUGS,
  presetOf,
  runScenario,
  type Violation,
} from '../../packages/replication/src/testing/index.ts';
import { explainFailure, type SavedRun, violationLines } from './failure.ts';
import type { SimCommand } from './options.ts';

/** Every so many seeds one is run twice. */
const TWICE_EVERY = 10;

/** What one seed came to, as it goes from a worker to the command. */
export interface SeedReport {
  readonly seed: number;
  readonly events: number;
  readonly ops: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly twice: boolean;
  readonly violations: number;
  /** The first violations, in words, and the command that shows them again; empty if there are none. */
  readonly text: string;
}

// Faults are the business of a run: looking up where each was made would take a tenth of the time.
Error.stackTraceLimit = 0;

/** Runs a seed, every tenth one twice; `explain` makes a failing one small. */
export function reportSeed(seed: number, command: SimCommand, explain: boolean): SeedReport {
  const { run, again } = runOf(seed, command);
  const { scenario, mutations } = run;
  const { violations, events, ops, faults, hash } = runScenario(seed, scenario, { mutations });
  const found: Violation[] = [...violations];
  const twice = seed % TWICE_EVERY === 0;
  if (twice && runScenario(seed, scenario, { mutations }).hash !== hash)
    found.push({ rule: 'not-deterministic', what: 'the same seed ran differently' });
  const lines = [...violationLines(seed, found), `seed ${seed}: ${found.length} violations; again with: ${again}`];
  if (explain && violations.length > 0) lines.push(explainFailure(run));
  const text = found.length === 0 ? '' : lines.join('\n');
  return { seed, events: events * (twice ? 2 : 1), ops, faults, twice, violations: found.length, text };
}

/** What a seed means under the command, and the one command that repeats it. */
function runOf(seed: number, command: SimCommand): { readonly run: SavedRun; readonly again: string } {
  const { saved, bug, eventsMin } = command;
  const start = `npm run sim -- --seeds 1 --seed ${seed}`;
  if (saved !== undefined) return { run: saved.run, again: `npm run sim -- --scenario ${saved.path}` };
  if (bug !== undefined) {
    const run = { seed, scenario: drawScenario(seed, PLANTED_BUGS[bug]), mutations: [bug] };
    return { run, again: `${start} --bug ${bug}` };
  }
  const { workload, nemesis } = drawMix(seed, {
    ...(command.workload && { workload: command.workload }),
    ...(command.nemesis && { nemesis: command.nemesis }),
  });
  const scenario = drawScenario(seed, overlay(presetOf({ workload, nemesis }), { eventsMin }));
  const again = `${start} --workload ${workload} --nemesis ${nemesis} --events-min ${eventsMin}`;
  return { run: { seed, scenario, mutations: [] }, again };
}
