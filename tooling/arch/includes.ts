import { CORES, CPP_ARROWS, CPP_PREFIX, VENDOR_HEADERS } from './rules.ts';
import type { Tree } from './tree.ts';

const LAYER_OF_PREFIX = new Map(
  [...Object.keys(CPP_ARROWS), ...CORES].map((layer) => [CPP_PREFIX[layer] ?? layer, layer]),
);

/** C++: layers look down, addons hold one core, `napi.h` and vendors' headers stay where they belong. */
export function checkIncludes(tree: Tree): readonly string[] {
  const wrong: string[] = [];
  const coresOf = new Map<string, Set<string>>();
  const users = new Map<string, string[]>();
  for (const [path, text] of tree) {
    const from = layerOf(path);
    if (from === undefined || !/\.(?:h|cc)$/.test(path)) continue;
    for (const header of includesOf(text)) {
      const prefix = header.includes('/') ? header.slice(0, header.indexOf('/')) : undefined;
      const to = prefix === undefined ? undefined : LAYER_OF_PREFIX.get(prefix);
      if (to !== undefined && from === 'addon' && CORES.includes(to)) {
        const pkg = path.slice(0, path.indexOf('/native/'));
        coresOf.set(pkg, (coresOf.get(pkg) ?? new Set()).add(to));
      } else if (to !== undefined && !mayInclude(path, from, to)) {
        wrong.push(`${path}: ${from} must not include ${header}`);
      }
      if (/^(?:napi|node_api|js_native_api)\.h$/.test(header) && from !== 'napi' && from !== 'addon') {
        wrong.push(`${path}: ${header} belongs to native/napi and packages/*/native`);
      }
      if (VENDOR_HEADERS.some((vendor) => vendor.test(header))) users.set(header, [...(users.get(header) ?? []), path]);
    }
  }
  for (const [pkg, cores] of coresOf) {
    if (cores.size > 1) wrong.push(`${pkg}/native: more than one core: ${[...cores].join(', ')}`);
  }
  for (const [header, paths] of users) {
    if (paths.length > 1) wrong.push(`${header} is included by more than one file: ${paths.join(', ')}`);
  }
  return wrong;
}

function mayInclude(path: string, from: string, to: string): boolean {
  if (to === from || (CPP_ARROWS[from] ?? []).includes(to)) return true;
  // Test doubles live beside what they double; they are compiled into a library of their own.
  return to === 'testing' && /\/(?:(?:test|bench|fuzz)\/|(?:delay|non_durable)_device\.(?:h|cc)$)/.test(path);
}

function layerOf(path: string): string | undefined {
  if (/^packages\/[^/]+\/native\//.test(path)) return 'addon';
  return /^native\/([^/]+)\//.exec(path)?.[1];
}

function includesOf(source: string): readonly string[] {
  return [...source.matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map(([, header = '']) => header);
}
