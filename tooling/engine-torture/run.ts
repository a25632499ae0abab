// npm run test:engine-torture: every kind of torture the engine has, as long as asked for. See USAGE.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recordEvidence } from '../evidence/record.ts';
import { build, missing, native, run } from './native.ts';

const USAGE = `usage: npm run test:engine-torture -- [options]
  --seeds N       lives of disks under power cuts, each six cuts or more (500)
  --seed S        the first one; the others follow (1)
  --minutes M     begin no further batch of them after so long (10)
  --kills N       kill a writing process N times (0)
  --faults        fail every request of some lives in every way
  --flips         flip every byte of some images
  --fuzz SECONDS  run each libFuzzer target so long
  --sanitizers    run the engine's tests under ASan with UBSan, and under TSan
  --record        append what was seen to tooling/evidence/engine-torture.jsonl
Where something else than power cuts is asked for, these run only when --seeds is given.`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    kills: { type: 'string', default: '0' },
    faults: { type: 'boolean', default: false },
    flips: { type: 'boolean', default: false },
    fuzz: { type: 'string', default: '0' },
    sanitizers: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function wrong(): never {
  console.error(USAGE);
  process.exit(2);
}
function whole(text: string, least: number): number {
  const number = Number(text);
  return Number.isSafeInteger(number) && number >= least ? number : wrong();
}

const other = values.faults || values.flips || values.sanitizers || values.kills !== '0' || values.fuzz !== '0';
const seeds = whole(values.seeds ?? (other ? '0' : '500'), 0);
const seed = whole(values.seed, 0);
const kills = whole(values.kills, 0);
const fuzzSeconds = whole(values.fuzz, 0);
const minutes = Number(values.minutes) > 0 ? Number(values.minutes) : wrong();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

type Counts = Record<string, number>;
let violations = 0;

/** Adds up what `part` does until it returns undefined, and records it. A batch that throws is a violation. */
async function suite(kind: string, part: (batch: number) => Promise<Counts | undefined>): Promise<void> {
  const startedAt = performance.now();
  const total: Counts = {};
  let wrongs = 0;
  for (let batch = 0; ; batch++) {
    try {
      const counts = await part(batch);
      if (counts === undefined) break;
      for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value;
    } catch (error) {
      wrongs++;
      console.error(error instanceof Error ? error.message : error);
    }
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    console.log(`${kind}: ${JSON.stringify(total)} ${wrongs} violations, ${seconds} s`);
  }
  violations += wrongs;
  if (!values.record) return;
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  recordEvidence('engine-torture', {
    date: new Date().toISOString(),
    kind,
    seed,
    ...total,
    violations: wrongs,
    seconds,
  });
}

/** Batches of `size` seeds, `count` in all. */
function seeded(name: string, count: number, size: number) {
  const until = performance.now() + minutes * 60_000;
  return async (batch: number): Promise<Counts | undefined> => {
    const first = batch * size;
    if (first >= count || (batch > 0 && performance.now() > until)) return undefined;
    return torture(name, '--seed', seed + first, '--seeds', Math.min(size, count - first));
  };
}
function once(part: () => Promise<Counts>) {
  return async (batch: number): Promise<Counts | undefined> => (batch === 0 ? part() : undefined);
}
async function torture(name: string, ...args: readonly (string | number)[]): Promise<Counts> {
  return JSON.parse(await run(`${native}build/release/engine/engine_torture`, [name, ...args.map(String)]));
}

const scratch = mkdtempSync(join(tmpdir(), 'engine-torture-'));
try {
  if (seeds > 0 || kills > 0 || values.faults || values.flips) await build('release', 'engine_torture');
  if (seeds > 0) await suite('power-cuts', seeded('power-cuts', seeds, 50));
  if (values.faults) {
    await suite('faults', seeded('faults', 3, 3));
    await suite('brim', seeded('brim', 400, 100));
  }
  if (values.flips) await suite('flips', seeded('flips', 1, 1));
  if (kills > 0) {
    await suite(
      'kills',
      once(async () => torture('kills', '--seed', seed, '--kills', kills, '--image', join(scratch, 'image'))),
    );
  }
  if (fuzzSeconds > 0) await fuzz();
  if (values.sanitizers) {
    for (const preset of ['asan', 'tsan'])
      await suite(
        preset,
        once(async () => tests(preset)),
      );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = violations > 0 ? 1 : 0;

async function fuzz(): Promise<void> {
  const reason = await missing('clang++', '-fsanitize=fuzzer');
  if (reason !== undefined) {
    console.log(`fuzz: skipped, ${reason}`);
    return;
  }
  const targets = readdirSync(`${native}engine/fuzz`).map((file) => file.replace(/\.cc$/, ''));
  await build('fuzz', ...targets);
  for (const target of targets) {
    await suite(
      target,
      once(async () => {
        const corpus = mkdtempSync(join(scratch, `${target}-`));
        const flags = [
          `-max_total_time=${fuzzSeconds}`,
          '-print_final_stats=1',
          `-artifact_prefix=${tmpdir()}/`,
          corpus,
        ];
        const said = await run(`${native}build/fuzz/engine/${target}`, flags);
        return { runs: Number(/number_of_executed_units:\s*(\d+)/.exec(said)?.[1] ?? 0) };
      }),
    );
  }
}

/** The engine's tests under a sanitizer; the output of ctest names those that fail. */
async function tests(preset: string): Promise<Counts> {
  await build(preset);
  const said = await run('ctest', ['--test-dir', `build/${preset}/engine`, '--output-on-failure']);
  const [, failed, all] = /(\d+) tests? failed out of (\d+)/.exec(said) ?? [];
  return { tests: Number(all ?? 0), failed: Number(failed ?? 0) };
}
