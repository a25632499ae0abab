import { describe, expect, it } from 'vitest';
import { codeOnly, importsOf } from './imports.ts';
import { checkIncludes } from './includes.ts';
import { checkClosedCore, checkCycles, checkFolders, checkImports, checkLoaders, checkManifests } from './packages.ts';
import { readTree, type Tree } from './tree.ts';

const real = readTree();

/** A package of ours with these files; `dependencies` as in a manifest. */
function fabricate(name: string, files: Record<string, string>, dependencies: readonly string[] = []): Tree {
  const folder = name === 'proto' ? 'proto' : `packages/${name}`;
  const manifest = {
    name: `@ferrite/${name}`,
    dependencies: Object.fromEntries(dependencies.map((each) => [each, '*'])),
  };
  return new Map([
    [`${folder}/package.json`, JSON.stringify(manifest)],
    ...Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text] as const),
  ]);
}

const RULES: readonly { rule: string; check: (tree: Tree) => readonly string[]; broken: Record<string, Tree> }[] = [
  {
    rule: 'manifests follow the arrows',
    check: checkManifests,
    broken: {
      'a driver that depends on replication': fabricate('net', {}, ['@ferrite/replication']),
      'a driver that depends on a driver': fabricate('spdk-engine', {}, ['@ferrite/net']),
      'a package without a rule': fabricate('surprise', {}),
      'a third party in proto': fabricate('proto', {}, ['left-pad']),
    },
  },
  {
    rule: 'imports follow the arrows and are declared',
    check: checkImports,
    broken: {
      'a static import': fabricate('net', { 'src/a.ts': "import { x } from '@ferrite/replication';" }, [
        '@ferrite/replication',
      ]),
      'a type import': fabricate('net', { 'src/a.ts': "import type { X } from '@ferrite/spdk-engine';" }),
      'a dynamic import': fabricate('net', { 'src/a.ts': "await import('@ferrite/spdk-engine');" }),
      'a re-export': fabricate('net', { 'src/a.ts': "export * from '@ferrite/hashing';" }),
      'a computed import': fabricate('net', { 'src/a.ts': 'await import(name);' }),
      'an undeclared third party': fabricate('net', { 'src/a.ts': "import 'left-pad';" }),
      'a relative path into another package': fabricate('net', { 'src/a.ts': "import '../../errors/src/index.ts';" }),
      'the own barrel': fabricate('net', { 'src/a.ts': "import { x } from '@ferrite/net';" }),
      'a node module in a portable package': fabricate('hashing', { 'src/a.ts': "import 'node:fs';" }),
    },
  },
  {
    rule: 'folders of a package follow theirs',
    check: checkFolders,
    broken: {
      'core that knows the shell': fabricate('replication', { 'src/core/a.ts': "import { b } from '../shell/b.ts';" }),
      'core that knows ports': fabricate('replication', { 'src/core/a.ts': "import type { B } from '../ports/b.ts';" }),
      'product code that uses test doubles': fabricate('net', { 'src/a.ts': "import { b } from './testing/b.ts';" }),
    },
  },
  {
    rule: 'the replication core is closed',
    check: checkClosedCore,
    broken: Object.fromEntries(
      [
        'const now = Date.now();',
        'const die = Math.random();',
        'async function f() {}',
        'let p: Promise<void>;',
        'setTimeout(f, 1);',
        'console.log(1);',
        'const id = crypto.randomUUID();',
      ].map((code) => [code, fabricate('replication', { 'src/core/a.ts': code })]),
    ),
  },
  {
    rule: 'nothing goes in circles',
    check: checkCycles,
    broken: {
      'two files': fabricate('net', {
        'src/a.ts': "import { b } from './b.ts';",
        'src/b.ts': "import { a } from './a.ts';",
      }),
      'two packages': new Map([
        ...fabricate('net', {}, ['@ferrite/client']),
        ...fabricate('client', {}, ['@ferrite/net']),
      ]),
    },
  },
  {
    rule: 'one file of a package loads its addon',
    check: checkLoaders,
    broken: {
      'a second loader': fabricate('spdk-engine', { 'src/sneaky.ts': "require('../build/Release/x.node');" }),
      'a native folder without a binding': fabricate('spdk-engine', { 'native/addon.cc': '' }),
    },
  },
  {
    rule: 'C++ layers look down',
    check: checkIncludes,
    broken: {
      'napi.h in a core': new Map([['native/engine/src/a.cc', '#include <napi.h>']]),
      'glue in a core': new Map([['native/engine/src/a.cc', '#include "napi_glue/args.h"']]),
      'a core in base': new Map([['native/base/src/a.cc', '#include "engine/engine.h"']]),
      'runtime in checksum': new Map([['native/checksum/src/a.cc', '#include "runtime/reactor.h"']]),
      'a core in the glue': new Map([['native/napi/include/napi_glue/a.h', '#include "engine/engine.h"']]),
      'test doubles in the product': new Map([['native/engine/src/a.cc', '#include "testing/seeded.h"']]),
      'two cores in one addon': new Map([
        ['packages/spdk-engine/native/a.cc', '#include "engine/engine.h"'],
        ['packages/spdk-engine/native/b.cc', '#include "rdma/fabric.h"'],
      ]),
      'a vendor in two files': new Map([
        ['native/engine/src/a.cc', '#include <liburing.h>'],
        ['native/engine/src/b.cc', '#include <liburing.h>'],
      ]),
    },
  },
];

describe.each(RULES)('the rule that $rule', ({ check, broken }) => {
  it('holds in this checkout', () => {
    expect(check(real)).toEqual([]);
  });

  it.each(Object.entries(broken))('catches: %s', (_, tree) => {
    expect(check(tree)).not.toEqual([]);
  });
});

describe('what the rules read', () => {
  it('includes the sources of every kind', () => {
    const some = ['packages/errors/src/index.ts', 'native/base/include/base/status.h', 'proto/package.json'];
    expect(some.filter((path) => !real.has(path))).toEqual([]);
  });

  it('tells imports from comments and strings', () => {
    const source = `
      // import 'commented';
      const text = "import 'quoted'";
      import {
        a,
        type B,
      } from './many-lines.ts';
      import type { C } from './type.ts';
      import { type D } from './named-type.ts';
      export { e } from './again.ts';
      import './effect.ts';
      const f = await import('./late.ts');
    `;
    expect(importsOf(source)).toEqual([
      { specifier: './many-lines.ts', typeOnly: false },
      { specifier: './type.ts', typeOnly: true },
      { specifier: './named-type.ts', typeOnly: true },
      { specifier: './again.ts', typeOnly: false },
      { specifier: './effect.ts', typeOnly: false },
      { specifier: './late.ts', typeOnly: false },
    ]);
  });

  it('finds words in code and not in comments', () => {
    expect(codeOnly("/* Date */ const a = 'Date'; // Date\nDate.now()").match(/Date/g)).toHaveLength(1);
  });
});
