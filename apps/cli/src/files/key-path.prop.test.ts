import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { joinPath, keyOfPath, pathOfKey } from './key-path.ts';
import { SafeWriter } from './safe-writer.ts';

const ROOT = Buffer.from('/srv/export');

/** A name that a Linux directory may hold. */
const nameBytes = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x41 : byte))))
  .filter((name) => name.toString('latin1') !== '.' && name.toString('latin1') !== '..');

/** Keys made of what a path treats specially, and of anything. */
const piece = fc.constantFrom(
  '..',
  '.',
  '/',
  '//',
  '\0',
  '\\',
  'a',
  'b',
  '~',
  '$HOME',
  '\u2025',
  '%2e%2e',
  '\u{ff0f}',
  ' ',
  '\n',
  '-rf',
);
const hostileKey = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''))),
  fc.array(piece, { maxLength: 12 }).map((parts) => Buffer.from(parts.join('/'))),
  fc.uint8Array({ maxLength: 1100 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 200, max: 5000 }).map((length) => Buffer.alloc(length, 'x')),
);

describe('key and path', () => {
  test('the key of a path names that path again', () => {
    fc.assert(
      fc.property(fc.array(nameBytes, { minLength: 1, maxLength: 4 }), (names) => {
        expect(pathOfKey(keyOfPath(names), ROOT.length)).toEqual(names);
      }),
      { numRuns: 10_000 },
    );
  });

  test('a key that names a path is the key of that path, and the path stays below the directory', () => {
    let accepted = 0;
    fc.assert(
      fc.property(hostileKey, (key) => {
        const names = pathOfKey(key, ROOT.length);
        if ('refused' in names) return;
        accepted += 1;
        expect(keyOfPath(names)).toEqual(key);
        const path = joinPath(ROOT, ...names).toString('latin1');
        expect(posix.normalize(path)).toBe(path);
        expect(path.startsWith(`${ROOT.toString('latin1')}/`)).toBe(true);
        expect(path).not.toContain('\0');
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(1000);
  });

  test('different keys name different paths', () => {
    fc.assert(
      fc.property(hostileKey, hostileKey, (a, b) => {
        const [first, second] = [pathOfKey(a, ROOT.length), pathOfKey(b, ROOT.length)];
        if ('refused' in first || 'refused' in second || a.equals(b)) return;
        expect(joinPath(ROOT, ...first)).not.toEqual(joinPath(ROOT, ...second));
      }),
      { numRuns: 10_000 },
    );
  });

  test.each([
    ['', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['a//b', 'empty name'],
    ['a/', 'empty name'],
    ['../a', '".."'],
    ['a/../../b', '".."'],
    ['a/./b', '"."'],
    ['a\0b', 'NUL'],
    ['x'.repeat(256), '255'],
  ])('the key %j is refused', (key, reason) => {
    expect(pathOfKey(Buffer.from(key), ROOT.length)).toEqual({ refused: expect.stringContaining(reason) });
  });
});

describe('files written for hostile keys', () => {
  let parent: string;
  beforeAll(() => {
    parent = mkdtempSync(join(tmpdir(), 'ferrite-export-'));
  });
  afterAll(() => rmSync(parent, { recursive: true, force: true }));

  test('all lie in the export directory', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(hostileKey, { minLength: 30, maxLength: 60 }), async (keys) => {
        round += 1;
        const name = `round${round}`;
        const writer = new SafeWriter(Buffer.from(join(parent, name, 'inner')), false);
        for (const key of keys) await writer.write(key, Buffer.from('v'));
        expect(readdirSync(parent)).toEqual([name]);
        expect(readdirSync(join(parent, name)).every((entry) => entry === 'inner')).toBe(true);
        rmSync(join(parent, name), { recursive: true, force: true });
      }),
      { numRuns: 250 },
    );
  }, 120_000);
});
