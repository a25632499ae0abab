// From a bare checkout to a built one. Each step is skipped when nothing it depends on changed.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bootstrapDir, cacheDir, pinnedNode, root, workspaceFolders } from './environment.mjs';
import { StepFailed, say, step } from './progress.mjs';
import { hashOf, isDone, markDone } from './stamp.mjs';
import { ensurePackages, listPath } from './system-packages.mjs';

/**
 * @param purposes which rows of system-packages.json this command needs; `setup` always
 * @param build false leaves out the compilers (for commands that only need the tools)
 */
export async function setUp(purposes, { build = true } = {}) {
  if (process.platform !== 'linux')
    throw new StepFailed(`Ferrite builds and runs on Linux; this is ${process.platform}`);
  const unlock = await lock();
  try {
    await pinnedTools();
    await systemPackages(['setup', ...purposes]);
    await workspace();
    if (build) await compile();
  } finally {
    unlock();
  }
}

async function pinnedTools() {
  const hash = hashOf(['package.json', 'package-lock.json', '.npmrc'].map((name) => join(bootstrapDir, name)));
  if (isDone('tools', hash) && existsSync(pinnedNode)) return;
  await step('pinned Node and pnpm (npm ci)', 'npm-ci', 'npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: bootstrapDir,
  });
  if (!existsSync(pinnedNode)) throw new StepFailed(`no pinned Node for ${process.platform}-${process.arch}`);
  markDone('tools', hash);
}

async function systemPackages(purposes) {
  const hash = hashOf([listPath]);
  if (purposes.every((purpose) => isDone(`packages:${purpose}`, hash))) return;
  await ensurePackages(purposes);
  for (const purpose of purposes) markDone(`packages:${purpose}`, hash);
}

async function workspace() {
  const manifests = ['.', ...workspaceFolders()].map((folder) => join(root, folder, 'package.json'));
  const hash = hashOf([
    ...['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc'].map((name) => join(root, name)),
    ...manifests,
  ]);
  if (isDone('workspace', hash) && existsSync(join(root, 'node_modules/.modules.yaml'))) return;
  // CI=true: pnpm may replace a foreign node_modules without asking a terminal that is not there.
  await step('packages (pnpm install)', 'pnpm-install', 'pnpm', ['install', '--frozen-lockfile'], {
    env: { CI: 'true' },
  });
  ownCommands();
  markDone('workspace', hash);
}

/** `npx ferrite` below the root finds the checkout's own commands too; at the root package.json's `bin` names them. */
function ownCommands() {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [name, target] of Object.entries(bin)) {
    const link = join(root, 'node_modules/.bin', name);
    rmSync(link, { force: true });
    symlinkSync(join('../..', target), link);
  }
}

async function compile() {
  const state = buildState();
  if (isDone('build', state)) return;
  const turbo = ['run', 'build:native', '--output-logs=new-only', '--log-order=grouped', '--concurrency=2'];
  await step('C++ addon (turbo run build:native)', 'build-native', 'turbo', turbo);
  await step('TypeScript (tsc -b)', 'tsc', 'tsc', ['-b']);
  markDone('build', buildState());
}

/** Sizes and times of everything that goes into the build and of what came out: cheap, and says "run the tools". */
function buildState() {
  const hash = createHash('sha256');
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!['node_modules', '.turbo', 'CMakeFiles', '_deps'].includes(entry.name) && path !== 'native/build')
          walk(path);
      } else if ((entry.isFile() && !path.includes('/build/')) || path.endsWith('.node')) {
        const { size, mtimeMs } = statSync(join(root, path));
        hash.update(`${path}\0${size}\0${mtimeMs}\0`);
      }
    }
  };
  for (const folder of ['packages', 'apps', 'proto', 'native', 'tooling/cmake', 'tooling/tsconfig']) walk(folder);
  return hash.digest('hex');
}

/** One set-up at a time per checkout; a lock whose owner is gone is taken over. */
async function lock() {
  mkdirSync(cacheDir, { recursive: true });
  const path = join(cacheDir, 'setup.lock');
  for (let told = false; ; ) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw new StepFailed(`cannot write ${path}: ${error.message}`);
    }
    const owner = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    if (!isAlive(owner)) rmSync(path, { force: true });
    else if (!told) {
      say(`waiting for the set-up of process ${owner}`);
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function isAlive(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
