// Where things are in a checkout, and the environment every step runs in.
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const bootstrapDir = join(root, 'tooling/bootstrap');
export const cacheDir = join(root, '.cache');
export const pinnedNode = join(bootstrapDir, 'node_modules/.bin/node');

/**
 * The caller's environment without what npm put into it: `npm_config_*` of the outer npm (its registry workarounds, its
 * `--prefix`, its user agent) must not steer the inner npm and pnpm. The pinned tools come first in PATH.
 */
export function environment(extra = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NPM_LIFECYCLE|INIT_CWD$|NODE_PATH$)/.test(name));
  const path = [join(bootstrapDir, 'node_modules/.bin'), join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''];
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), TURBO_TELEMETRY_DISABLED: '1', ...extra };
}

/** Every workspace package's folder, from the root. */
export function workspaceFolders() {
  const children = (parent) =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${parent}/${entry.name}`);
  return ['packages', 'apps', 'tooling'].flatMap(children).concat('proto');
}
