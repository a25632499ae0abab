// npm run sim: runs of the replication simulator over many seeds. See USAGE.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { recordEvidence } from '../evidence/record.ts';
import { findBugs } from './find-bugs.ts';
import { EXPLAINED_MAX, parseCommand, type SimCommand, USAGE } from './options.ts';
import { reportSeed, type SeedReport } from './seed-report.ts';
import { Totals } from './totals.ts';

const PROGRESS_EVERY_MS = 5_000;

function parse(): SimCommand {
  try {
    const parsed = parseCommand(process.argv.slice(2));
    if (parsed !== undefined) return parsed;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const command = parse();
const totals = new Totals();
let reportAt = performance.now() + PROGRESS_EVERY_MS;

function take(report: SeedReport): void {
  totals.add(report);
  if (report.text !== '') console.error(report.text);
  if (performance.now() < reportAt) return;
  console.log(totals.line(command.seeds));
  reportAt = performance.now() + PROGRESS_EVERY_MS;
}

/** A process of its own for every `jobs`-th seed; false if it ended before its last seed. */
async function work(job: number): Promise<boolean> {
  const child = fork(new URL('worker.ts', import.meta.url), [JSON.stringify(command), String(job)]);
  child.on('message', (report) => take(report as SeedReport));
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}

if (command.allBugs) process.exit(findBugs(command) ? 0 : 1);
if (command.jobs === 1) {
  let explained = 0;
  for (let at = 0; at < command.seeds; at++) {
    const report = reportSeed(command.seed + at, command, command.shrink && explained < EXPLAINED_MAX);
    if (report.violations > 0) explained++;
    take(report);
  }
} else await Promise.all(Array.from({ length: command.jobs }, (_, job) => work(job)));

console.log(totals.line(command.seeds));
console.log(totals.faultLine());
const complete = totals.seeds === command.seeds;
if (!complete) console.error('a worker process ended early: not all seeds were run');
if (command.record && complete && command.bug === undefined)
  recordEvidence('sim', { suite: 'sim', ...totals.figures() });
process.exitCode = complete && totals.violations === 0 ? 0 : 1;
