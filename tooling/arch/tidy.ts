import { basename } from 'node:path';
import { isGenerated, type Tree } from './tree.ts';

const LINES_MAX = 400;
const CODE = /\.(?:ts|js|mjs|h|cc|c|cmake|proto)$/;
/** Words that name nothing: a file called so collects what has no home. */
const BANNED_NAMES = /^(?:utils?|helpers?|common|misc|managers?)$/;
const LOCKFILES = new Set(['pnpm-lock.yaml', 'tooling/bootstrap/package-lock.json', 'package-lock.json']);

/** Spelt so that this line is none itself. */
const UNNUMBERED = new RegExp(String.raw`\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b(?!\(#\d+\))`);

const isOurCode = (path: string): boolean => CODE.test(path) && !isGenerated(path) && !path.includes('/vendor/');

/** A file is one concept: at most 400 lines. */
export function checkLength(tree: Tree): readonly string[] {
  return [...tree]
    .filter(([path]) => isOurCode(path))
    .map(([path, text]) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines, ${LINES_MAX} at most`);
}

/** No `utils`: a file or folder carries the name of what it holds. */
export function checkNames(tree: Tree): readonly string[] {
  return [...tree.keys()]
    .filter((path) => !path.includes('/vendor/'))
    .filter((path) => path.split('/').some((part) => part.split(/[-_.]/).some((word) => BANNED_NAMES.test(word))))
    .map((path) => `${path}: ${basename(path)} says nothing about what is in it`);
}

/** A note to do something names the issue in which it will be done. */
export function checkNotes(tree: Tree): readonly string[] {
  return eachLine(tree, isOurCode, (line) => UNNUMBERED.test(line)).map(
    (where) => `${where}: add the number of the issue in brackets, (#12)`,
  );
}

/** Nothing that is true only on one machine: home folders, work folders, hosts of package registries. */
export function checkMachinePaths(tree: Tree): readonly string[] {
  const path = new RegExp(String.raw`(?<![\w.~-])/(?:root|work|home/\w+|Users/\w+)/`);
  const registry = new RegExp(String.raw`https?://[\w.-]*(?:registry|artifactory|nexus|verdaccio|npmmirror)[\w.-]*`);
  return [
    ...eachLine(
      tree,
      (file) => !LOCKFILES.has(file),
      (line) => path.test(line),
    ),
    ...eachLine(
      tree,
      () => true,
      (line) => registry.test(line),
    ),
  ].map((where) => `${where}: names a machine`);
}

function eachLine(tree: Tree, wanted: (path: string) => boolean, wrong: (line: string) => boolean): readonly string[] {
  return [...tree]
    .filter(([path]) => wanted(path))
    .flatMap(([path, text]) => text.split('\n').flatMap((line, at) => (wrong(line) ? [`${path}:${at + 1}`] : [])));
}
