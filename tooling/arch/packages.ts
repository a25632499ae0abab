import { dirname, join } from 'node:path';
import { codeOnly, type Import, importsOf, packageOf } from './imports.ts';
import { ARROWS, CLOSED_FOLDER, CLOSED_WORDS, FOLDER_ARROWS, NO_NODE, TEST_ARROWS, THIRD_PARTY } from './rules.ts';
import { isGenerated, isTest, type Tree } from './tree.ts';

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
}

const PRODUCT = /^(?:packages\/[^/]+|apps\/[^/]+|proto)\/package\.json$/;
const SCRIPT = /\.(?:ts|js|mjs)$/;
const ours = (name: string | undefined): name is string => name?.startsWith('@ferrite/') ?? false;

/** Packages of the product (not the tooling). */
export function packagesOf(tree: Tree): readonly Package[] {
  return [...tree]
    .filter(([path]) => PRODUCT.test(path))
    .map(([path, text]) => {
      const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined> & { name: string };
      return {
        name: manifest.name,
        folder: dirname(path),
        dependencies: Object.keys({
          ...manifest['dependencies'],
          ...manifest['peerDependencies'],
          ...manifest['optionalDependencies'],
        }),
        devDependencies: Object.keys(manifest['devDependencies'] ?? {}),
      };
    });
}

/** Manifests: every dependency on a package of ours is an arrow, every third party is one that the package may have. */
export function checkManifests(tree: Tree): readonly string[] {
  return packagesOf(tree).flatMap((pkg) => {
    const allowed = ARROWS[pkg.name];
    if (allowed === undefined) return [`${pkg.folder}: ${pkg.name} has no arrows in rules.ts`];
    const inTests = [...allowed, ...(TEST_ARROWS[pkg.name] ?? [])];
    const parties = THIRD_PARTY[pkg.name];
    return [
      ...pkg.dependencies.filter((name) => ours(name) && !allowed.includes(name)),
      ...pkg.devDependencies.filter((name) => ours(name) && !inTests.includes(name)),
      ...pkg.dependencies.filter((name) => !ours(name) && parties !== undefined && !parties.includes(name)),
    ].map((name) => `${pkg.folder}/package.json: must not depend on ${name}`);
  });
}

/** Sources: every import is an arrow and declared; portable packages know no `node:` module. */
export function checkImports(tree: Tree): readonly string[] {
  return packagesOf(tree).flatMap((pkg) =>
    filesOf(tree, pkg).flatMap(([path, text]) =>
      importsOf(text).flatMap((each) => {
        const why = wrongImport(pkg, path, each);
        return why === undefined ? [] : [`${path}: ${each.specifier}: ${why}`];
      }),
    ),
  );
}

function wrongImport(pkg: Package, path: string, { specifier }: Import): string | undefined {
  const test = isTest(path);
  if (specifier === '(computed)') {
    return path.includes('/src/') && !test ? 'an import that cannot be read off the source' : undefined;
  }
  if (specifier.startsWith('node:')) {
    return NO_NODE.includes(pkg.name) && !test ? 'this package runs without Node' : undefined;
  }
  const name = packageOf(specifier);
  if (name === undefined) {
    const leaves = specifier.startsWith('.') && !join(dirname(path), specifier).startsWith(`${pkg.folder}/`);
    return leaves && !test ? 'leaves its package' : undefined;
  }
  if (name === pkg.name) return test ? undefined : 'imports its own barrel';
  const allowed = [...(ARROWS[pkg.name] ?? []), ...(test ? (TEST_ARROWS[pkg.name] ?? []) : [])];
  if (ours(name) && !allowed.includes(name)) return 'not an arrow of rules.ts';
  const declared =
    test || path.startsWith(`${pkg.folder}/src/testing/`)
      ? [...pkg.dependencies, ...pkg.devDependencies, 'vitest', 'fast-check']
      : pkg.dependencies;
  return declared.includes(name) ? undefined : 'not declared in package.json';
}

/** Folders inside a package, and nothing but tests imports `testing`. */
export function checkFolders(tree: Tree): readonly string[] {
  return packagesOf(tree).flatMap((pkg) =>
    filesOf(tree, pkg)
      .filter(([path]) => path.startsWith(`${pkg.folder}/src/`) && !isTest(path))
      .flatMap(([path, text]) => {
        const from = folderIn(pkg, path);
        const allowed = FOLDER_ARROWS[pkg.folder]?.[from];
        return relativeTargets(path, text)
          .map(({ target }) => folderIn(pkg, target))
          .filter((to) => (allowed !== undefined && !allowed.includes(to)) || (to === 'testing' && from !== 'testing'))
          .map((to) => `${path}: ${from === '' ? 'src' : from} must not import ${to === '' ? 'src' : to}`);
      }),
  );
}

/** The replication core: none of the words through which time, chance or I/O enter. */
export function checkClosedCore(tree: Tree): readonly string[] {
  return [...tree]
    .filter(([path]) => path.startsWith(CLOSED_FOLDER) && path.endsWith('.ts') && !isTest(path))
    .flatMap(([path, text]) => {
      const code = codeOnly(text);
      return CLOSED_WORDS.filter((word) => word.test(code)).map((word) => `${path}: ${word.source} in the closed core`);
    });
}

/** Cycles between packages, and between files where they matter: in what runs. */
export function checkCycles(tree: Tree): readonly string[] {
  const packages = new Map(packagesOf(tree).map((pkg) => [pkg.name, pkg.dependencies.filter(ours)]));
  const files = new Map(
    [...tree]
      .filter(([path]) => /^(?:packages|apps|tooling)\/.*\.ts$/.test(path))
      .map(([path, text]) => [
        path,
        relativeTargets(path, text)
          .filter(({ typeOnly }) => !typeOnly)
          .map(({ target }) => target),
      ]),
  );
  return [...cyclesIn(packages), ...cyclesIn(files)];
}

/** Exactly `src/binding.ts` loads an addon, and a package with native/ has one. */
export function checkLoaders(tree: Tree): readonly string[] {
  return packagesOf(tree).flatMap((pkg) => {
    const binding = `${pkg.folder}/src/binding.ts`;
    const native = [...tree.keys()].some((path) => path.startsWith(`${pkg.folder}/native/`));
    const strangers = filesOf(tree, pkg)
      .filter(([path, text]) => path !== binding && !isTest(path) && loadsAddon(text))
      .map(([path]) => `${path}: only src/binding.ts loads a .node file`);
    const missing = native && !loadsAddon(tree.get(binding) ?? '') ? [`${binding}: does not load the addon`] : [];
    return [...strangers, ...missing];
  });
}

function loadsAddon(source: string): boolean {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
  return /\bdlopen\b/.test(code) || /['"`][^'"`\n]*\.node['"`]/.test(code);
}

function filesOf(tree: Tree, pkg: Package): readonly (readonly [string, string])[] {
  return [...tree].filter(
    ([path]) => path.startsWith(`${pkg.folder}/`) && SCRIPT.test(path) && !isGenerated(path) && !path.endsWith('.d.ts'),
  );
}

function folderIn(pkg: Package, path: string): string {
  const parts = path.slice(`${pkg.folder}/src/`.length).split('/');
  return parts.length > 1 ? (parts[0] ?? '') : '';
}

function relativeTargets(
  path: string,
  text: string,
): readonly { readonly target: string; readonly typeOnly: boolean }[] {
  return importsOf(text)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, typeOnly }) => ({ target: join(dirname(path), specifier), typeOnly }));
}

/** Each cycle once, as `a -> b -> a`. */
function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[] = [];
  const visit = (node: string): void => {
    const at = path.indexOf(node);
    if (at >= 0) cycles.push([...path.slice(at), node].join(' -> '));
    if (at >= 0 || done.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) visit(node);
  return cycles;
}
