import { expect, it } from 'vitest';
import { type Hint, HintBook } from './hint-book.ts';
import { HINT_BLOCK_MAX, HINT_BYTES_MAX, HINTS_MAX } from './limits.ts';

const hint = (at: number, partition = 0): Hint => ({
  keyspaceId: 1,
  partition,
  key: Uint8Array.of(at >> 16, at >> 8, at),
});

it('keeps one hint a record and peer, however often a write leaves it', () => {
  const book = new HintBook();
  expect(book.add('b', hint(1))).toBe(0);
  expect(book.add('b', hint(1))).toBe(0);
  expect(book.add('c', hint(1))).toBe(0);
  expect(book.for('b')).toHaveLength(1);
  expect(book.block('b', 0)).toHaveLength(1);
});

it('does not strike out a hint that a write has left again since it was seen', () => {
  const book = new HintBook();
  book.add('b', hint(1));
  const [seen] = book.for('b');
  book.add('b', hint(1));
  expect(book.strike('b', seen!, seen!.times)).toBeUndefined();
  const [again] = book.for('b');
  expect(book.strike('b', again!, again!.times)).toBe(0);
  expect(book.for('b')).toEqual([]);
});

it('is bounded by count and by bytes, and tells what found no room', () => {
  const book = new HintBook();
  for (let at = 0; at < HINTS_MAX; at++) book.add('b', hint(at));
  expect(book.add('b', hint(HINTS_MAX))).toBeUndefined();
  expect(book.status()).toEqual([{ peer: 'b', hints: HINTS_MAX, refused: 1 }]);
  expect(book.blocks()).toEqual([['b', Math.ceil(HINTS_MAX / HINT_BLOCK_MAX)]]);
  const large = (at: number): Hint => ({ ...hint(at), key: new Uint8Array(1024).fill(at) });
  const most = HINT_BYTES_MAX / 1024;
  for (let at = 0; at < 256; at++) book.add('c', { ...large(at), keyspaceId: 2 });
  for (let round = 3; book.for('c').length < most; round++) {
    for (let at = 0; at < 256; at++) book.add('c', { ...large(at), keyspaceId: round });
  }
  expect(book.for('c')).toHaveLength(most);
});

it('fills the room of hints that are gone, and knows the partitions of those that are not', () => {
  const book = new HintBook();
  for (let at = 0; at <= HINT_BLOCK_MAX; at++) book.add('b', hint(at, at % 2));
  for (const each of book.for('b')) if (each.partition === 1) book.strike('b', each, each.times);
  expect(book.add('b', hint(999))).toBe(0);
  expect(book.hasFor(0)).toBe(true);
  expect(book.hasFor(1)).toBe(false);
});
