// npm run sim -- --seeds N [--seed S] [--record]: N runs of the replication simulator, from seed S on.
import { parseArgs } from 'node:util';
import { runSeed } from '../../packages/replication/src/testing/index.ts';
import { recordEvidence } from '../evidence/record.ts';

const PROGRESS_EVERY_MS = 5_000;
const SHOWN_MAX = 5;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
  },
});
const count = Number(values.seeds);
const first = Number(values.seed);
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(first) || first < 0) {
  console.error('usage: npm run sim -- --seeds N [--seed S] [--record], N and S whole numbers');
  process.exit(2);
}

const total = { seeds: 0, events: 0, ops: 0, faults: 0, violations: 0 };
const startedAt = performance.now();
const seconds = (): number => (performance.now() - startedAt) / 1_000;
let reportAt = startedAt + PROGRESS_EVERY_MS;

function report(): void {
  const { seeds, events, ops, faults, violations } = total;
  const rate = Math.round(events / seconds());
  console.log(
    `${seeds} of ${count} seeds, ${events} events (${rate}/s), ${ops} requests, ${faults} faults, ${violations} violations`,
  );
}

for (let seed = first; seed < first + count; seed++) {
  const { violations, events, ops, faults } = runSeed(seed);
  total.seeds++;
  total.events += events;
  total.ops += ops;
  total.faults += faults;
  total.violations += violations.length;
  if (violations.length > 0) {
    for (const { rule, what } of violations.slice(0, SHOWN_MAX)) console.error(`seed ${seed}: ${rule}: ${what}`);
    console.error(`seed ${seed}: ${violations.length} violations; again with: npm run sim -- --seeds 1 --seed ${seed}`);
  }
  if (performance.now() >= reportAt) {
    report();
    reportAt += PROGRESS_EVERY_MS;
  }
}
report();

if (values.record) recordEvidence('sim', { suite: 'sim', ...total, seconds: Math.round(seconds() * 10) / 10 });
process.exitCode = total.violations > 0 ? 1 : 0;
