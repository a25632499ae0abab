import { contextOf, dot } from '@ferrite/vector-clock';
import { expect, it } from 'vitest';
import { A, B, put, read, rulesBroken, seen } from './hand-made.ts';
import type { History } from './history.ts';

const a1 = dot(A, 1);
const b1 = dot(B, 1);
const older = put(1, 0, a1, undefined, { time: 10 });
const newer = put(2, 5, b1, undefined, { time: 20 });
const both = contextOf([a1, b1]);
const broken = (history: Partial<History>): readonly string[] => rulesBroken({ policy: 'lww', ...history });

it('accepts that of two concurrent values the newer one is shown alone', () => {
  expect(broken({ writes: [older, newer], reads: [read(3, 10, both, [{ ...seen(2, b1), time: 20 }])] })).toEqual([]);
});

it('rejects that the older one is shown, that both are, or none', () => {
  const writes = [older, newer];
  expect(broken({ writes, reads: [read(3, 10, both, [{ ...seen(1, a1), time: 10 }])] })).toEqual(['context-unseen']);
  const two = [
    { ...seen(1, a1), time: 10 },
    { ...seen(2, b1), time: 20 },
  ];
  expect(broken({ writes, reads: [read(3, 10, both, two)] })).toEqual(['several-at-lww']);
  expect(broken({ writes, reads: [read(3, 10, both, [])] })).toEqual(['context-unseen']);
});

it('accepts that nothing is shown once something was deleted', () => {
  const deleted = put(4, 7, dot(A, 2), contextOf([a1]), { kind: 'delete', value: '', time: 30 });
  const all = contextOf([a1, dot(A, 2), b1]);
  expect(broken({ writes: [older, newer, deleted], reads: [read(3, 10, all, [])] })).toEqual([]);
});
