// npm test: every check and test that needs no special hardware, counted together.
// With arguments (`npm test -- --project unit`) only vitest runs, with those arguments.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runChecks } from './check-command.mjs';
import { bootstrapDir, cacheDir, environment, pinnedNode, root } from './environment.mjs';
import { runNativeTests } from './native-tests.mjs';
import { add, emptyTally, report } from './tally.mjs';

export async function run(args) {
  const total = emptyTally();
  if (args.length === 0) {
    add(total, await runChecks({ hostTools: false }));
    for (const tally of await runNativeTests()) add(total, tally);
  }
  add(total, await runVitest(args));
  process.stdout.write(report(total));
  return total.failed === 0 ? 0 : 1;
}

async function runVitest(args) {
  const file = join(cacheDir, 'vitest-tally.json');
  rmSync(file, { force: true });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', `--reporter=${join(bootstrapDir, 'vitest-tally.mjs')}`];
  const child = spawn(pinnedNode, [vitest, 'run', ...reporters, ...args], {
    cwd: root,
    env: environment({ FERRITE_TALLY: file }),
    stdio: 'inherit',
  });
  const code = await new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (status) => resolve(status ?? 1));
  });
  const tally = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : emptyTally();
  if (code !== 0 && tally.failed === 0) {
    tally.failed += 1;
    tally.failures.push(`vitest ended with exit code ${code}`);
  }
  return tally;
}
