// The few system packages Ferrite needs: found by what they bring, installed by apt when root, otherwise named.
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { bootstrapDir } from './environment.mjs';
import { failure, runLogged, StepFailed, say, seconds } from './progress.mjs';

export const listPath = join(bootstrapDir, 'system-packages.json');

/** Rows of `system-packages.json` wanted for one of these purposes (`setup`, `test`, `bench`) that this machine lacks. */
export function missingPackages(purposes) {
  return JSON.parse(readFileSync(listPath, 'utf8')).filter(
    (row) => [row.for].flat().some((purpose) => purposes.includes(purpose)) && !row.have.some(present),
  );
}

/**
 * Installs what is missing when it can (root, with apt). Otherwise one message names everything and the command; it is
 * the end of the road only for what the build itself needs.
 */
export async function ensurePackages(purposes) {
  const missing = missingPackages(purposes);
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && commandPath('apt-get') !== undefined) {
    await install(missing);
    const still = missingPackages(purposes).filter(isNeeded);
    if (still.length > 0) throw new StepFailed(`installed, yet not found: ${names(still)}`);
    return;
  }
  const rows = missing.map(
    (row) =>
      `  ${row.name.padEnd(20)} ${row.why}${isNeeded(row) ? '' : ` (${row.optional ? 'optional' : `${[row.for].flat().join(' and ')} only`})`}`,
  );
  const message =
    `missing system packages:\n${rows.join('\n')}\ninstall them, then run the same command again:\n` +
    `  sudo apt-get install -y --no-install-recommends ${names(missing)}`;
  if (missing.some(isNeeded)) throw new StepFailed(message);
  say(`${message}\ncontinuing without; what needs them is skipped`);
}

async function install(missing) {
  const started = Date.now();
  const title = `installing system packages (${names(missing)})`;
  say(`${title} …`);
  const restore = missing.some((row) => row.service) ? forbidServices() : () => {};
  try {
    const args = ['install', '-y', '--no-install-recommends', ...missing.map((row) => row.name)];
    const options = { env: { DEBIAN_FRONTEND: 'noninteractive' } };
    if ((await runLogged('apt', 'apt-get', args, options)) !== 0) {
      await runLogged('apt', 'apt-get', ['update'], { ...options, append: true });
      if ((await runLogged('apt', 'apt-get', args, { ...options, append: true })) !== 0) {
        if (missing.some(isNeeded)) throw new StepFailed(failure(title, 'apt'));
        say(`${failure(title, 'apt')}\ncontinuing without; what needs them is skipped`);
        return;
      }
    }
  } finally {
    restore();
  }
  say(`${title}: done in ${seconds(started)}`);
}

/** Server packages must not start their services here. Returns what puts back the policy that was there before. */
function forbidServices(path = '/usr/sbin/policy-rc.d') {
  const saved = `${path}.before-ferrite`;
  if (existsSync(path)) renameSync(path, saved);
  writeFileSync(path, '#!/bin/sh\nexit 101\n');
  chmodSync(path, 0o755);
  return () => (existsSync(saved) ? renameSync(saved, path) : rmSync(path, { force: true }));
}

/** Without it there is no build. */
function isNeeded(row) {
  return row.for === 'setup' && row.optional !== true;
}

function present(have) {
  const [kind, name] = [have.slice(0, have.indexOf(':')), have.slice(have.indexOf(':') + 1)];
  if (kind === 'command') return commandPath(name) !== undefined;
  if (kind === 'header') return includeFolders().some((folder) => existsSync(join(folder, name)));
  if (kind === 'library') return libraryFolders().some((folder) => existsSync(join(folder, name)));
  return existsSync(name);
}

export function commandPath(name) {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const subfolders = (parent) => (existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : []);
const includeFolders = () => ['/usr/include', '/usr/local/include', ...multiarch('/usr/include')];
const libraryFolders = () => ['/usr/lib', '/usr/lib64', '/usr/local/lib', ...multiarch('/usr/lib')];
const multiarch = (parent) => subfolders(parent).filter((path) => path.endsWith('-linux-gnu'));
const names = (rows) => rows.map((row) => row.name).join(' ');
