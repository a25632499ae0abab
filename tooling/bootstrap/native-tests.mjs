// The C++ cores' own tests (CTest), without Node: once as developers build them, once under sanitizers.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir, root } from './environment.mjs';
import { failure, logTail, relativeLog, runLogged, say, seconds } from './progress.mjs';
import { emptyTally } from './tally.mjs';

const PRESETS = ['dev', 'asan'];

export async function runNativeTests() {
  const tallies = [];
  for (const preset of PRESETS) {
    const name = `native ${preset}`;
    if (preset === 'asan' && !(await sanitizersWork())) {
      tallies.push({ ...emptyTally(), skipped: [{ name, reason: 'this compiler has no address sanitizer' }] });
    } else tallies.push(await runPreset(preset, name));
  }
  return tallies;
}

async function runPreset(preset, name) {
  const started = Date.now();
  const cwd = join(root, 'native');
  for (const [log, ...command] of [
    [`native-${preset}-configure`, 'cmake', '--preset', preset],
    [`native-${preset}-build`, 'cmake', '--build', '--preset', preset, '--parallel', '2'],
  ]) {
    if ((await runLogged(log, command[0], command.slice(1), { cwd })) === 0) continue;
    say(failure(name, log));
    return { ...emptyTally(), failed: 1, failures: [`${name}: does not build, see ${relativeLog(log)}`] };
  }
  const junit = join(cacheDir, `ctest-${preset}.xml`);
  rmSync(junit, { force: true });
  const log = `native-${preset}-test`;
  const code = await runLogged(log, 'ctest', ['--preset', preset, '--parallel', '2', '--output-junit', junit], { cwd });
  const tally = existsSync(junit) ? tallyOf(readFileSync(junit, 'utf8'), name) : emptyTally();
  if (code !== 0 && tally.failed === 0) {
    tally.failed += 1;
    tally.failures.push(`${name}: ctest failed, see ${relativeLog(log)}`);
  }
  if (tally.failed > 0) say(logTail(log, 120));
  say(`${name}: ${tally.passed} passed, ${tally.failed} failed in ${seconds(started)}`);
  return tally;
}

/** CTest writes one flat `<testcase name status>` per test; a skipped one carries its message. */
export function tallyOf(junit, suite) {
  const tally = emptyTally();
  for (const [, attributes, rest] of junit.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const name = `${suite} > ${unescape(/name="([^"]*)"/.exec(attributes)?.[1] ?? '?')}`;
    const status = /status="([^"]*)"/.exec(attributes)?.[1];
    if (status === 'run') tally.passed += 1;
    else if (status === 'fail') {
      tally.failed += 1;
      tally.failures.push(name);
    } else tally.skipped.push({ name, reason: skipReason(rest ?? '') });
  }
  return tally;
}

function skipReason(body) {
  const output = /<system-out>([\s\S]*?)<\/system-out>/.exec(body)?.[1] ?? '';
  const said = unescape(output)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return said.at(-1) ?? 'no reason given';
}

function unescape(text) {
  const entities = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name) => entities[name]);
}

async function sanitizersWork() {
  const folder = mkdtempSync(join(tmpdir(), 'ferrite-asan-'));
  try {
    writeFileSync(join(folder, 'probe.cc'), 'int main() { return 0; }\n');
    const args = ['-fsanitize=address,undefined', join(folder, 'probe.cc'), '-o', join(folder, 'probe')];
    if ((await runLogged('native-asan-probe', 'c++', args)) !== 0) return false;
    return (await runLogged('native-asan-probe', join(folder, 'probe'), [], { append: true })) === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
