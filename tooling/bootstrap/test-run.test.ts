import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tallyOf } from './native-tests.mjs';
import { add, emptyTally, report } from './tally.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ferrite-tally-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the counts of npm test', () => {
  it('end in the one line that other tools read, with every skip and its reason above', () => {
    const total = emptyTally();
    add(total, { passed: 3, failed: 1, skipped: [{ name: 'a', reason: 'no disk' }], failures: ['b'] });
    add(total, { passed: 2, failed: 0, skipped: [], failures: [] });
    const lines = report(total).trimEnd().split('\n');
    expect(lines.at(-1)).toBe('5 passed, 1 failed, 1 skipped');
    expect(lines).toContain('  a: no disk');
    expect(lines).toContain('  b');
  });

  it('take passes, failures and the reason of a skip from CTest', () => {
    const junit = `<?xml version="1.0"?>
<testsuite name="dev" tests="3" failures="1" skipped="1">
	<testcase name="base: a &lt; b" classname="x" time="0.1" status="run"/>
	<testcase name="engine: opens" classname="x" time="0.1" status="fail">
		<failure message="Failed"/>
		<system-out>broken</system-out>
	</testcase>
	<testcase name="uring: reads" classname="x" time="0.1" status="notrun">
		<skipped message="SKIP_RETURN_CODE=77"/>
		<system-out>
io_uring is refused here
		</system-out>
	</testcase>
</testsuite>`;
    expect(tallyOf(junit, 'native dev')).toEqual({
      passed: 1,
      failed: 1,
      failures: ['native dev > engine: opens'],
      skipped: [{ name: 'native dev > uring: reads', reason: 'io_uring is refused here' }],
    });
  });

  it('take tests, skips with their reasons and broken files from vitest', async () => {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {};\n');
    writeFileSync(join(folder, 'broken.test.mjs'), 'throw new Error("no such thing");\n');
    writeFileSync(
      join(folder, 'some.test.mjs'),
      `import { expect, it } from 'vitest';
it('passes', () => {});
it('fails', () => { expect(1).toBe(2); });
it('skips', (test) => { test.skip('no hardware'); });
`,
    );
    const tally = join(folder, 'tally.json');
    const reporter = fileURLToPath(new URL('vitest-tally.mjs', import.meta.url));
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const code = await run(process.execPath, [vitest, 'run', `--reporter=${reporter}`], {
      cwd: folder,
      env: { ...process.env, FERRITE_TALLY: tally },
    });
    expect(code.exit).toBe(1);
    expect(JSON.parse(readFileSync(tally, 'utf8'))).toEqual({
      passed: 1,
      failed: 2,
      failures: expect.arrayContaining(['broken.test.mjs', 'some.test.mjs > fails']),
      skipped: [{ name: 'some.test.mjs > skips', reason: 'no hardware' }],
    });
  });
});

function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ readonly exit: number }> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], options, () => resolve({ exit: child.exitCode ?? 1 }));
  });
}
