import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A source tree: path from the root to the file's text. A fabricated one is a literal. */
export type Tree = ReadonlyMap<string, string>;

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

const NOT_SOURCE = new Set(['node_modules', 'dist', 'build', 'coverage', '.git', '.turbo', '.cache', '.ferrite']);
const TEXT =
  /(?:\.(?:ts|mts|js|mjs|json|jsonc|h|cc|c|cmake|proto|md|yaml|yml|txt|html)|CMakeLists\.txt|\.npmrc|\/run)$/;

/** The checkout's own text files; needs no git. */
export function readTree(root: string = ROOT): Tree {
  const tree = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !NOT_SOURCE.has(entry.name)) walk(path);
      else if (entry.isFile() && TEXT.test(`/${path}`)) tree.set(path, readFileSync(join(root, path), 'utf8'));
    }
  };
  walk('');
  return tree;
}

export const isTest = (path: string): boolean =>
  /\.(?:test|prop\.test|sim\.test|bench)\.ts$/.test(path) || /\/(?:test|bench)\//.test(path);

export const isGenerated = (path: string): boolean => /(?:^|\/)gen\/|\.gen\./.test(path);
