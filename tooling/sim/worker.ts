// A worker process of npm run sim: runs every JOBS-th seed of the command in its arguments and sends a report of each.
import { argv } from 'node:process';
import type { SimCommand } from './options.ts';
import { reportSeed } from './seed-report.ts';

const command = JSON.parse(argv[2]!) as SimCommand;
const job = Number(argv[3]);
for (let at = job; at < command.seeds; at += command.jobs) process.send!(reportSeed(command.seed + at, command));
process.disconnect();
