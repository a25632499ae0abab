// A worker process of npm run sim: runs every JOBS-th seed of the command in its arguments and sends a report of each.
import { argv } from 'node:process';
import { EXPLAINED_MAX, type SimCommand } from './options.ts';
import { reportSeed } from './seed-report.ts';

const command = JSON.parse(argv[2]!) as SimCommand;
const job = Number(argv[3]);
let explained = 0;
for (let at = job; at < command.seeds; at += command.jobs) {
  const report = reportSeed(command.seed + at, command, command.shrink && explained < EXPLAINED_MAX);
  if (report.violations > 0) explained++;
  process.send!(report);
}
process.disconnect();
