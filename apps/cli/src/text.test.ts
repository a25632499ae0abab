import { expect, test } from 'vitest';
import { count, formatBytes, formatMs, preview, printable } from './text.ts';

test.each([
  ['plain', 'plain'],
  ['größe 🙂', 'größe 🙂'],
  ['a\nb\\c\u0007', 'a\\nb\\\\c\\x07'],
  ['\u202egnp', '\\xe2\\x80\\xaegnp'],
])('%j is printed as %s', (text, expected) => {
  expect(printable(Buffer.from(text))).toBe(expected);
});

test('bytes that are no UTF-8 are printed in hex where they are not ASCII', () => {
  expect(printable(Uint8Array.of(0x61, 0xff, 0x5c))).toBe('a\\xff\\\\');
});

test('a preview says how much is left off', () => {
  expect(preview(Buffer.alloc(100, 'x'), 4)).toBe('xxxx… (96 more bytes)');
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [8 * 1024 * 1024, '8.0 MiB'],
  [4 * 1024 ** 3, '4.0 GiB'],
])('%i bytes are %s', (bytes, expected) => {
  expect(formatBytes(bytes)).toBe(expected);
});

test.each([
  [6_700, '6.7s'],
  [245_000, '4m 5s'],
  [93_600_000, '1d 2h'],
  [3_600_000, '1h'],
])('%i ms are %s', (ms, expected) => {
  expect(formatMs(ms)).toBe(expected);
});

test('things are counted in the singular and the plural', () => {
  expect([count(1, 'file'), count(2000, 'file')]).toEqual(['1 file', '2,000 files']);
});
