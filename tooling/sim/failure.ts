import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type MutationName,
  runScenario,
  type Scenario,
  type SimResult,
  shrink,
} from '../../packages/replication/src/testing/index.ts';

const SHRINK_MS = 30_000;
const VIOLATIONS_SHOWN = 5;
const LINES_SHOWN = 60;

/** A run as a file says it: what `--scenario` takes. */
export interface SavedRun {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly mutations: readonly MutationName[];
}

/** The run in a file that {@link explainFailure} wrote. Throws an Error that says what is wrong. */
export function readSavedRun(path: string): SavedRun {
  const saved = JSON.parse(readFileSync(path, 'utf8')) as Partial<SavedRun>;
  if (typeof saved.seed === 'number' && typeof saved.scenario === 'object') {
    return { seed: saved.seed, scenario: saved.scenario, mutations: saved.mutations ?? [] };
  }
  throw new Error(`${path} holds no run: it needs "seed" and "scenario"`);
}

/**
 * Makes a failing run as small as it gets in half a minute, leaves it and its trace in files, and says in words what is left
 * of it.
 */
export function explainFailure(run: SavedRun): string {
  const { seed, scenario, mutations } = run;
  const giveUpAt = performance.now() + SHRINK_MS;
  const shrunk = shrink(seed, scenario, { mutations, mayGoOn: () => performance.now() < giveUpAt });
  if (shrunk === undefined) return `seed ${seed}: the run breaks no rule when it is run again`;
  const small = { seed, scenario: shrunk.scenario, mutations };
  const lines: string[] = [];
  Error.stackTraceLimit = 10;
  const { violations } = runScenario(seed, shrunk.scenario, { mutations, record: (line) => lines.push(line) });
  Error.stackTraceLimit = 0;

  const folder = join(tmpdir(), 'ferrite-sim');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `seed-${seed}${mutations.length > 0 ? `-${mutations.join('-')}` : ''}`);
  writeFileSync(`${path}.json`, `${JSON.stringify(small, undefined, 2)}\n`);
  writeFileSync(`${path}.trace`, `${lines.join('\n')}\n`);
  const { events, issued, injected } = shrunk.result;
  const excerpt = excerptOf(lines, /^(key-\d+): /.exec(violations[0]?.what ?? '')?.[1]).slice(-LINES_SHOWN);
  return [
    `after ${shrunk.runs} runs it takes ${issued.length} requests, ${injected.length} faults and ${events} events:`,
    ...violationLines(seed, violations),
    ...excerpt.map((line) => `  ${line}`),
    `all of it: ${path}.trace; again with: npm run sim -- --scenario ${path}.json`,
  ].join('\n');
}

/** The faults of a trace, and the requests with their answers, of one key or all. */
function excerptOf(lines: readonly string[], key: string | undefined): readonly string[] {
  const shown = new Set<string>();
  return lines.filter((line) => {
    if (line.includes(' --- ')) return true;
    const asked = / is request (\d+): \w+ (\S+) at/.exec(line) ?? / {2}client (\d+) \w+ (\S+) /.exec(line);
    const isNew = asked !== null && !shown.has(asked[1]!) && (key === undefined || asked[2] === key);
    if (isNew) shown.add(asked[1]!);
    return isNew || shown.has(/ reply (\d+) /.exec(line)?.[1] ?? '');
  });
}

/** The first violations of a run, one a line. */
export function violationLines(seed: number, violations: SimResult['violations']): readonly string[] {
  return violations.slice(0, VIOLATIONS_SHOWN).map(({ rule, what }) => `seed ${seed}: ${rule}: ${what}`);
}
