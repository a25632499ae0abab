import { parseArgs } from 'node:util';
import {
  type MutationName,
  NEMESES,
  type NemesisName,
  PLANTED_BUGS,
  WORKLOADS,
  type WorkloadName,
} from '../../packages/replication/src/testing/index.ts';
import { readSavedRun, type SavedRun } from './failure.ts';

export const USAGE: string = `usage: npm run sim -- [options]
  --seeds N        so many runs of a whole cluster in virtual time (1000)
  --seed S         the first one; the others follow (1)
  --workload W     what clients do, drawn from the seed if not given:
                   ${Object.keys(WORKLOADS).join(' ')}
  --nemesis X      what hurts the cluster, drawn from the seed if not given:
                   ${Object.keys(NEMESES).join(' ')}
  --events-min E   load and faults go on until a run has met E events (5000)
  --jobs J         worker processes (1)
  --no-shrink      do not make a failing run smaller
  --scenario FILE  the one run in FILE, as a failure leaves it
  --bug NAME       plant a bug and run what shows it; or --bug all: until each is found, up to --seeds
  --record         append the totals to tooling/evidence/sim.jsonl
Every tenth seed is run twice and must come to the same hash. Ends with 1 if a promise was broken, with the command that
shows it again. packages/replication/src/testing/README.md says how to read that.`;

/** What one run of the command is asked for. */
export interface SimCommand {
  readonly seeds: number;
  readonly seed: number;
  readonly workload: WorkloadName | undefined;
  readonly nemesis: NemesisName | undefined;
  readonly eventsMin: number;
  readonly jobs: number;
  readonly record: boolean;
  readonly shrink: boolean;
  /** The one run that is repeated. */
  readonly saved: { readonly path: string; readonly run: SavedRun } | undefined;
  readonly bug: MutationName | undefined;
  /** Every planted bug in turn. */
  readonly allBugs: boolean;
}

/** So many failing runs of a process are made small. */
export const EXPLAINED_MAX = 3;
const JOBS_MAX = 64;

/** The command in `args`; undefined if help is asked for. Throws an Error that says what is wrong. */
export function parseCommand(args: readonly string[]): SimCommand | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      seeds: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      workload: { type: 'string' },
      nemesis: { type: 'string' },
      'events-min': { type: 'string', default: '5000' },
      jobs: { type: 'string', default: '1' },
      record: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: true },
      scenario: { type: 'string' },
      bug: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const saved =
    values.scenario === undefined ? undefined : { path: values.scenario, run: readSavedRun(values.scenario) };
  const allBugs = values.bug === 'all';
  return {
    seeds: saved === undefined ? whole('--seeds', values.seeds, 1) : 1,
    seed: saved?.run.seed ?? whole('--seed', values.seed, 0),
    workload: values.workload === undefined ? undefined : nameIn('--workload', WORKLOADS, values.workload),
    nemesis: values.nemesis === undefined ? undefined : nameIn('--nemesis', NEMESES, values.nemesis),
    eventsMin: whole('--events-min', values['events-min'], 0),
    jobs: Math.min(whole('--jobs', values.jobs, 1), JOBS_MAX),
    record: values.record,
    shrink: values.shrink,
    saved,
    bug: values.bug === undefined || allBugs ? undefined : nameIn('--bug', PLANTED_BUGS, values.bug),
    allBugs,
  };
}

function whole(option: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`${option} takes a whole number from ${least} on, not "${text}"`);
}

function nameIn<T extends string>(option: string, table: Readonly<Record<T, unknown>>, name: string): T {
  if (Object.hasOwn(table, name)) return name as T;
  throw new Error(`${option} takes one of ${Object.keys(table).join(', ')}, not "${name}"`);
}
