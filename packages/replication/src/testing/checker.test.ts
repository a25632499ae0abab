import { contextOf, dot, emptyContext } from '@ferrite/vector-clock';
import { expect, it } from 'vitest';
import { A, B, KEY, put, read, rulesBroken, seen } from './hand-made.ts';
import type { FinalState } from './history.ts';

const a1 = dot(A, 1);
const a2 = dot(A, 2);
const b1 = dot(B, 1);
const first = put(1, 0, a1);
const second = put(2, 10, a2, contextOf([a1]));
const both = contextOf([a1, a2]);

it('accepts a history in which a value is written, read, replaced and read again', () => {
  const reads = [read(3, 5, contextOf([a1]), [seen(1, a1)]), read(4, 20, both, [seen(2, a2)])];
  const finals: FinalState[] = ['n1', 'n2'].map((node) => ({ key: KEY, node, context: both, values: [seen(2, a2)] }));
  expect(rulesBroken({ writes: [first, second], reads, finals })).toEqual([]);
});

it('accepts that a write without an answer is seen or not', () => {
  const lost = put(2, 10, b1, undefined, {
    outcome: 'unknown',
    endedAt: Number.POSITIVE_INFINITY,
    response: undefined,
  });
  const without = read(3, 20, contextOf([a1]), [seen(1, a1)]);
  const withIt = read(4, 30, contextOf([a1, b1]), [seen(1, a1), seen(2, b1)]);
  expect(rulesBroken({ writes: [first, lost], reads: [without, withIt] })).toEqual([]);
});

it('rejects a value that nobody wrote, or wrote only later', () => {
  expect(rulesBroken({ reads: [read(3, 5, contextOf([b1]), [seen(9, b1)])] })).toEqual(['invented']);
  expect(rulesBroken({ writes: [put(1, 50, a1)], reads: [read(3, 5, contextOf([a1]), [seen(1, a1)])] })).toEqual([
    'invented',
  ]);
});

it('rejects the value of a write that was refused', () => {
  const refused = put(1, 0, a1, undefined, { outcome: 'none', response: undefined });
  expect(rulesBroken({ writes: [refused], reads: [read(3, 5, contextOf([a1]), [seen(1, a1)])] })).toEqual([
    'refused-but-written',
  ]);
});

it('rejects one dot for two writes', () => {
  expect(rulesBroken({ writes: [first, put(2, 10, a1)] })).toEqual(['dot-reused']);
});

it('rejects an answer to a put that covers more than the request and its own dot', () => {
  const wide = put(2, 10, a2, undefined, { response: contextOf([a1, a2, b1]) });
  expect(rulesBroken({ writes: [first, wide] })).toEqual(['context-widened']);
});

it('rejects a context that covers a value which the answer neither holds nor replaces', () => {
  expect(rulesBroken({ writes: [first], reads: [read(3, 5, contextOf([a1]), [], { consistency: 'ONE' })] })).toEqual([
    'context-unseen',
  ]);
});

it('rejects a quorum read without an acknowledged write, but lets ONE and MEMORY off', () => {
  const empty = read(3, 5, emptyContext, []);
  expect(rulesBroken({ writes: [first], reads: [empty] })).toEqual(['lost']);
  expect(rulesBroken({ writes: [first], reads: [{ ...empty, consistency: 'ONE' }] })).toEqual([]);
  expect(rulesBroken({ writes: [{ ...first, durability: 'MEMORY' }], reads: [empty] })).toEqual([]);
  expect(rulesBroken({ writes: [{ ...first, consistency: 'ONE' }], reads: [empty] })).toEqual([]);
});

it('rejects a scan that leaves out an acknowledged write', () => {
  const absent = read(3, 5, emptyContext, [], { source: 'scan-absent' });
  expect(rulesBroken({ writes: [first], reads: [absent] })).toEqual(['lost']);
  const replaced = put(2, 2, a2, contextOf([a1]), { kind: 'delete', value: '' });
  expect(rulesBroken({ writes: [first, replaced], reads: [absent] })).toEqual([]);
});

it('rejects a replaced value that comes back', () => {
  const ghost = read(3, 20, both, [seen(1, a1), seen(2, a2)]);
  expect(rulesBroken({ writes: [first, second], reads: [ghost] })).toEqual(['ordered-siblings', 'resurrected']);
  const removed = put(2, 10, a2, contextOf([a1]), { kind: 'delete', value: '' });
  expect(rulesBroken({ writes: [first, removed], reads: [read(3, 20, both, [seen(1, a1)])] })).toEqual(['resurrected']);
});

it('rejects siblings of which one replaced the other', () => {
  const unanswered = { ...second, outcome: 'unknown', endedAt: Number.POSITIVE_INFINITY, response: undefined } as const;
  const siblings = read(3, 20, both, [seen(1, a1), seen(2, a2)]);
  expect(rulesBroken({ writes: [first, unanswered], reads: [siblings] })).toEqual(['ordered-siblings']);
});

it('rejects a read that goes back behind one that ended before it began', () => {
  const memory = { ...first, durability: 'MEMORY' } as const;
  const reads = [read(3, 5, contextOf([a1]), [seen(1, a1)]), read(4, 10, emptyContext, [])];
  expect(rulesBroken({ writes: [memory], reads })).toEqual(['went-back']);
  const overlapping = reads.map((each) => ({ ...each, startedAt: 5 }));
  expect(rulesBroken({ writes: [memory], reads: overlapping })).toEqual([]);
});

it('rejects a blind delete that does not cover what was acknowledged before it', () => {
  const blind = put(2, 10, b1, undefined, { kind: 'delete', value: '' });
  expect(rulesBroken({ writes: [first, blind] })).toEqual(['delete-incomplete']);
  expect(rulesBroken({ writes: [first, { ...blind, response: contextOf([a1, b1]) }] })).toEqual([]);
});

it('rejects "not found" at ONE for what all replicas hold', () => {
  const everywhere = { ...first, consistency: 'ALL' } as const;
  expect(rulesBroken({ writes: [everywhere], reads: [read(3, 5, emptyContext, [], { consistency: 'ONE' })] })).toEqual([
    'absent-at-one',
  ]);
});

it('rejects replicas that do not agree in the end', () => {
  const held: FinalState = { key: KEY, node: 'n1', context: contextOf([a1]), values: [seen(1, a1)] };
  expect(rulesBroken({ writes: [first], finals: [held, { ...held, node: 'n2', values: [] }] })).toEqual(['diverged']);
  expect(rulesBroken({ writes: [first], finals: [held, { ...held, node: 'n2', context: both }] })).toEqual([
    'diverged',
  ]);
});
