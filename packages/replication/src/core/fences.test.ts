import { expect, it } from 'vitest';
import { Fences } from './fences.ts';

const random = (): (() => number) => {
  let at = 0;
  return () => (++at * 0.37) % 1;
};

it('has another number after each forgetting, for that partition alone', () => {
  const fences = new Fences(random());
  const before = fences.own(3);
  fences.bump(3);
  expect(fences.own(3)).not.toBe(before);
  expect(fences.own(4)).toBe(before);
});

it('has exact numbers, and never the one that stands for none', () => {
  for (const value of [0, 0.5, 1 - 2 ** -32]) {
    const { life } = new Fences(() => value);
    expect(life).toBeGreaterThan(0);
    expect(Number.isSafeInteger(life + 2 ** 32)).toBe(true);
  }
});

it('knows of a peer what it said last, and nothing of its earlier life', () => {
  const fences = new Fences(random());
  expect(fences.of('b', 3)).toBe(0);
  fences.learnLife('b', 100);
  fences.learn('b', 3, 101);
  fences.learnLife('b', 100);
  expect([fences.of('b', 3), fences.of('b', 4)]).toEqual([101, 100]);
  fences.learnLife('b', 200);
  expect(fences.of('b', 3)).toBe(200);
});
