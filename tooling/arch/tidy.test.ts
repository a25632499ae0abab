import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HEADER_PATH, reasonHeader } from '../codegen/reasons-to-header.ts';
import { checkLength, checkMachinePaths, checkNames, checkNotes } from './tidy.ts';
import { readTree, type Tree } from './tree.ts';

const real = readTree();
const note = ['TO', 'DO'].join('');

const RULES: readonly { rule: string; check: (tree: Tree) => readonly string[]; broken: Record<string, string> }[] = [
  {
    rule: 'a file has at most 400 lines',
    check: checkLength,
    broken: { 'packages/net/src/long.ts': 'x\n'.repeat(401), 'native/base/src/long.cc': 'x\n'.repeat(500) },
  },
  {
    rule: 'a name says what is inside',
    check: checkNames,
    broken: { 'packages/net/src/utils.ts': '', 'packages/net/src/helpers/a.ts': '', 'native/base/string_util.h': '' },
  },
  { rule: 'a note names its issue', check: checkNotes, broken: { 'packages/net/src/a.ts': `// ${note}: later` } },
  {
    rule: 'nothing names a machine',
    check: checkMachinePaths,
    broken: {
      'tooling/a.ts': `open('${['', 'root', 'x'].join('/')}')`,
      'pnpm-lock.yaml': `tarball: https://${'registry'}.example.org/x.tgz`,
    },
  },
];

describe.each(RULES)('the rule that $rule', ({ check, broken }) => {
  it('holds in this checkout', () => {
    expect(check(real)).toEqual([]);
  });

  it.each(Object.entries(broken))('catches %s', (path, text) => {
    expect(check(new Map([[path, text]]))).toHaveLength(1);
  });
});

describe('generated files', () => {
  it('are fresh: reason.gen.h is what its generator writes', () => {
    expect(readFileSync(HEADER_PATH, 'utf8')).toBe(reasonHeader());
  });
});
