import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { plot } from './plot.ts';
import { currentCommit, describeHost, type SuiteReport, table } from './report.ts';
import { FULL, measureResult, QUICK, type Result } from './runner.ts';
import type { Suite } from './suite.ts';
import { SUITES } from './suites/registry.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NAMES = SUITES.map((suite) => suite.name);
const HELP = `npm run bench -- SUITE|all [--quick] [--json FILE] [--svg FILE] [--dir DIR] [--only NAME]

Suites
${SUITES.map((suite) => `  ${suite.name.padEnd(10)} ${suite.question}`).join('\n')}

Options
  --quick       3 rounds of 1 s a side instead of 9 of 3 s
  --json FILE   the figures; for all: a list of suites
  --svg FILE    ratios and growth as a picture (default .cache/bench/SUITE.svg)
  --dir DIR     a folder on the disk to measure (.cache/bench)
  --only NAME   results whose name contains NAME
`;

const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      svg: { type: 'string' },
      dir: { type: 'string', default: join(ROOT, '.cache/bench') },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [wanted] = positionals;
  const suites = wanted === 'all' ? SUITES : SUITES.filter((suite) => suite.name === wanted);
  if (values.help || suites.length === 0 || positionals.length !== 1) {
    process.stdout.write(HELP);
    return values.help ? 0 : fail(`give one suite: ${[...NAMES, 'all'].join(', ')}`);
  }
  const reports: SuiteReport[] = [];
  for (const suite of suites) {
    const report = await runSuite(suite, { directory: resolve(values.dir), quick: values.quick, only: values.only });
    reports.push(report);
    process.stdout.write(`\n${suite.name}: ${suite.question}\n${report.host}\n\n${table(report.results)}\n`);
    const picture = plot(report);
    if (picture !== '') write(values.svg ?? join(ROOT, `.cache/bench/${suite.name}.svg`), picture);
  }
  if (values.json !== undefined)
    write(values.json, `${JSON.stringify(wanted === 'all' ? reports : reports[0], null, 2)}\n`);
  return 0;
}

async function runSuite(
  suite: Suite,
  options: { readonly directory: string; readonly quick: boolean; readonly only: string },
): Promise<SuiteReport> {
  mkdirSync(options.directory, { recursive: true });
  const directory = mkdtempSync(join(options.directory, `${suite.name}-`));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    await using open = await suite.open({ directory, quick: options.quick, say });
    const specs = open.results.filter((spec) => spec.name.includes(options.only));
    const results: Result[] = [];
    for (const spec of specs) {
      say(`${suite.name}: ${spec.name} (${results.length + 1} of ${specs.length})`);
      results.push(await measureResult(spec, options.quick ? QUICK : FULL));
    }
    const series = open.series?.() ?? [];
    const report = { suite: suite.name, host: describeHost(), commit: currentCommit(ROOT), results };
    return series.length === 0 ? report : { ...report, series };
  } finally {
    process.removeListener('exit', remove);
    remove();
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, text);
}

function fail(message: string): number {
  say(message);
  return 2;
}

// Ending at once still ends the servers under test, and removes their files.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
