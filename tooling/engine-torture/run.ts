// npm run test:engine-torture -- [--seeds N] [--seed S] [--minutes M] [--record]: N lives of simulated disks from seed S
// on, each several power cuts long, until M minutes have passed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { recordEvidence } from '../evidence/record.ts';

/** Seeds of one run of the program, between two lines of progress. */
const BATCH = 50;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    record: { type: 'boolean', default: false },
  },
});
const count = Number(values.seeds);
const first = Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(first) || first < 0 || !(minutes > 0)) {
  console.error('usage: npm run test:engine-torture -- [--seeds N] [--seed S] [--minutes M] [--record]');
  process.exit(2);
}

const native = fileURLToPath(new URL('../../native/', import.meta.url));

function inNative(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: native, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`, { cause: error });
}

inNative('cmake', ['--preset', 'release']);
inNative('cmake', ['--build', '--preset', 'release', '--parallel', '2', '--target', 'engine_torture']);

const total: Record<string, number> = {};
const startedAt = performance.now();
const seconds = (): number => (performance.now() - startedAt) / 1_000;
let violations = 0;
for (let seed = first; seed < first + count && seconds() < minutes * 60; seed += BATCH) {
  const seeds = Math.min(BATCH, first + count - seed);
  const { status, stdout, stderr, signal } = spawnSync(
    `${native}build/release/engine/engine_torture`,
    ['power-cuts', '--seed', String(seed), '--seeds', String(seeds)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  if (status === 0) {
    const counts: Record<string, number> = JSON.parse(stdout);
    for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value;
  } else {
    violations++;
    const failed = / --seed (\d+)\s*$/.exec(stderr)?.[1];
    console.error(stderr.trim() || `engine_torture ended with ${status ?? signal}`);
    console.error(
      failed === undefined
        ? `again with: npm run test:engine-torture -- --seeds ${seeds} --seed ${seed}`
        : `again with: npm run test:engine-torture -- --seeds 1 --seed ${failed}`,
    );
  }
  console.log(`${JSON.stringify(total)} ${violations} violations, ${seconds().toFixed(0)} s`);
}
if (values.record) {
  recordEvidence('engine-torture', {
    suite: 'power-cuts',
    seeds: total['seeds'] ?? 0,
    events: total['cuts'] ?? 0,
    ops: total['acknowledged'] ?? 0,
    faults: total['cuts'] ?? 0,
    violations,
    seconds: Math.round(seconds() * 10) / 10,
  });
}
process.exitCode = violations > 0 ? 1 : 0;
