// Checks of the sources that are not tests: types, lint, form. Each counts as one test.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './environment.mjs';
import { failure, relativeLog, runLogged, say, seconds } from './progress.mjs';
import { commandPath } from './system-packages.mjs';
import { add, emptyTally, report } from './tally.mjs';

const CHECKS = [
  { name: 'types of the tests and tools', log: 'check-types', command: ['tsc', '-p', 'tsconfig.test.json'] },
  { name: 'lint (oxlint)', log: 'check-lint', command: ['oxlint', '--quiet'] },
  {
    name: 'form of TypeScript and JSON (biome)',
    log: 'check-form',
    command: ['biome', 'check', '--vcs-enabled=false', ...trees()],
  },
  {
    name: 'form of C++ (clang-format)',
    log: 'check-cpp-form',
    needs: 'clang-format',
    command: ['clang-format', '--dry-run', '-Werror', ...cppSources()],
  },
];

/** @param hostTools whether checks count that depend on the version of a program of this machine; `npm test` leaves them out */
export async function runChecks({ hostTools }) {
  // The set-up that came first compiled every source: it would not have returned otherwise.
  const tally = { ...emptyTally(), passed: 1 };
  say('check: types of the sources (tsc -b): passed');
  for (const { name, log, needs, command } of CHECKS) {
    if (!hostTools && needs !== undefined) continue;
    if (needs !== undefined && commandPath(needs) === undefined) {
      tally.skipped.push({ name, reason: `${needs} is not installed` });
      continue;
    }
    const started = Date.now();
    const ok = (await runLogged(log, command[0], command.slice(1))) === 0;
    say(`check: ${name}: ${ok ? 'passed' : 'failed'} in ${seconds(started)}`);
    if (!ok) say(failure(name, log));
    add(
      tally,
      ok
        ? { ...emptyTally(), passed: 1 }
        : { ...emptyTally(), failed: 1, failures: [`${name}, see ${relativeLog(log)}`] },
    );
  }
  return tally;
}

export async function run() {
  const tally = await runChecks({ hostTools: true });
  process.stdout.write(report(tally));
  return tally.failed === 0 ? 0 : 1;
}

function trees() {
  return ['packages', 'apps', 'proto', 'tooling', 'package.json', 'turbo.json', 'tsconfig.json', 'vitest.config.ts'];
}

function cppSources() {
  const sources = [];
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory() && !['node_modules', 'build', 'dist', 'src', 'test'].includes(entry.name)) walk(path);
      else if (entry.isDirectory() && folder.startsWith('native') && entry.name !== 'build') walk(path);
      else if (/\.(h|cc)$/.test(entry.name) && !entry.name.includes('.gen.')) sources.push(path);
    }
  };
  walk('native');
  walk('packages');
  return sources;
}
