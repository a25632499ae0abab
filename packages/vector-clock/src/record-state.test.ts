import { describe, expect, it } from 'vitest';
import { actorId } from './actor-id.ts';
import { type CausalContext, contextOf, descends, emptyContext } from './causal-context.ts';
import { type Dot, dot } from './dot.ts';
import { COUNTER_MAX } from './limits.ts';
import {
  emptyRecord,
  mergeRecords,
  type RecordState,
  recordsEqual,
  subsumes,
  type WriteOutcome,
  writeRecord,
} from './record-state.ts';

const a = actorId('a'.repeat(32));
const b = actorId('b'.repeat(32));

const put = (
  stored: RecordState<string>,
  actor: typeof a,
  context: CausalContext,
  value: string,
): WriteOutcome<string> => writeRecord(stored, { actor, context, value });

const values = (state: RecordState<string>): readonly string[] => state.siblings.map((sibling) => sibling.value);

const record = (covered: readonly Dot[], alive: readonly Dot[]): RecordState<string> => ({
  context: contextOf([...covered, ...alive]),
  siblings: alive.map((at) => ({ dot: at, value: `${at.counter}` })),
});

describe('P1: merging', () => {
  it('keeps a sibling that the other side has never heard of', () => {
    expect(values(mergeRecords(record([], [dot(a, 1)]), record([], [dot(b, 2)])))).toEqual(['1', '2']);
  });

  it('drops a sibling that the other side has seen and no longer holds', () => {
    const old = record([], [dot(a, 1)]);
    const newer = record([dot(a, 1)], [dot(a, 2)]);
    expect(values(mergeRecords(old, newer))).toEqual(['2']);
    expect(values(mergeRecords(newer, old))).toEqual(['2']);
  });

  it('keeps a sibling that both sides hold', () => {
    const both = record([dot(b, 1)], [dot(a, 1)]);
    expect(values(mergeRecords(both, record([dot(b, 2)], [dot(a, 1)])))).toEqual(['1']);
  });

  it('does not let a dot above a gap pass for the dots in the gap', () => {
    const behind = record([], [dot(a, 2)]);
    const ahead = record([dot(a, 1)], [dot(a, 3)]);
    expect(values(mergeRecords(behind, ahead))).toEqual(['2', '3']);
  });

  it('gives back the very object that knew everything already', () => {
    const newer = record([dot(a, 1)], [dot(a, 2)]);
    const older = record([], [dot(a, 1)]);
    expect(mergeRecords(newer, older)).toBe(newer);
    expect(mergeRecords(older, newer)).toBe(newer);
    expect(mergeRecords<string>(emptyRecord, newer)).toBe(newer);
  });
});

describe('P2: a write', () => {
  it('gets the dot after the highest that the record knows of the actor', () => {
    const stored = record([dot(a, 7)], [dot(b, 3)]);
    expect(put(stored, a, emptyContext, 'x').dot).toEqual(dot(a, 8));
    expect(put(stored, b, emptyContext, 'x').dot).toEqual(dot(b, 4));
    expect(put(emptyRecord, a, emptyContext, 'x').dot).toEqual(dot(a, 1));
  });

  it('without a context becomes a sibling', () => {
    const first = put(emptyRecord, a, emptyContext, 'one');
    expect(values(put(first.state, a, emptyContext, 'two').state)).toEqual(['one', 'two']);
  });

  it('replaces exactly what its context covers', () => {
    const one = put(emptyRecord, a, emptyContext, 'one');
    const two = put(one.state, b, emptyContext, 'two');
    expect(values(put(two.state, a, two.state.context, 'three').state)).toEqual(['three']);
    expect(values(put(two.state, a, one.responseContext, 'three').state)).toEqual(['three', 'two']);
  });

  it('with an old context never replaces a newer value', () => {
    const one = put(emptyRecord, a, emptyContext, 'one');
    const two = put(one.state, a, one.responseContext, 'two');
    expect(values(put(two.state, a, one.responseContext, 'late').state)).toEqual(['two', 'late']);
  });

  it('that deletes uses a dot, leaves no sibling and keeps what it had not seen', () => {
    const one = put(emptyRecord, a, emptyContext, 'one');
    const two = put(one.state, b, emptyContext, 'two');
    const gone = writeRecord(two.state, { actor: a, context: one.responseContext, value: undefined });
    expect(gone.dot).toEqual(dot(a, 2));
    expect(gone.delta.siblings).toEqual([]);
    expect(values(gone.state)).toEqual(['two']);
  });

  it('sends a delta whose merge into any older copy gives the same result', () => {
    const one = put(emptyRecord, a, emptyContext, 'one');
    const two = put(one.state, b, one.responseContext, 'two');
    expect(recordsEqual(mergeRecords(one.state, two.delta), two.state)).toBe(true);
    expect(values(mergeRecords<string>(emptyRecord, two.delta))).toEqual(['two']);
    expect(subsumes(two.state, two.delta)).toBe(true);
  });

  it('ends the process rather than use a counter twice', () => {
    const stored = record([], [dot(a, COUNTER_MAX)]);
    expect(() => put(stored, a, emptyContext, 'x')).toThrow('P3');
  });
});

describe('P4: the context of the answer', () => {
  it('is the context of the request and the new dot, not what the replica knows', () => {
    const one = put(emptyRecord, a, emptyContext, 'one');
    const two = put(one.state, a, emptyContext, 'two');
    expect(two.responseContext).toEqual(contextOf([dot(a, 2)]));
    expect(descends(two.responseContext, one.responseContext)).toBe(false);
    // So the writer of "two" replaces its own value and keeps the concurrent one.
    expect(values(put(two.state, a, two.responseContext, 'three').state)).toEqual(['one', 'three']);
  });

  it('refuses a context that covers a write which this actor never made', () => {
    const one = put(emptyRecord, a, emptyContext, 'one');
    for (const counter of [2, 9]) {
      expect(() => put(one.state, a, contextOf([dot(a, counter)]), 'x')).toThrow(
        expect.objectContaining({ reason: 'CONTEXT_INVALID', effect: 'none' }),
      );
    }
  });
});

describe('comparing records', () => {
  it('tells apart what differs in the context or in the siblings alone', () => {
    const state = record([dot(a, 1)], [dot(a, 2)]);
    expect(recordsEqual(state, record([dot(a, 1)], [dot(a, 2)]))).toBe(true);
    expect(recordsEqual(state, record([dot(a, 1), dot(b, 1)], [dot(a, 2)]))).toBe(false);
    expect(recordsEqual(state, record([dot(a, 1), dot(a, 2)], []))).toBe(false);
    expect(recordsEqual(state, record([dot(a, 2)], [dot(a, 1)]))).toBe(false);
  });
});

describe('P8: after a record was forgotten', () => {
  const write = (stored: RecordState<string>, context: CausalContext, floor: number) =>
    writeRecord(stored, { actor: a, context, value: 'x', floor });

  it('uses no dot again, and tells replicas in short that the earlier ones are dead', () => {
    const { dot: own, responseContext, delta, state } = write(emptyRecord, emptyContext, 5);
    expect(own).toEqual(dot(a, 6));
    expect(responseContext).toEqual(contextOf([own]));
    for (const { context } of [delta, state])
      expect(context.entries).toEqual([{ actor: a, contiguous: 6, separate: [] }]);
  });

  it('keeps its own living siblings, which lie below the floor', () => {
    const stored = record([], [dot(a, 2)]);
    const { state, delta } = write(stored, emptyContext, 5);
    expect(values(state)).toHaveLength(2);
    expect(values(mergeRecords(stored, delta))).toHaveLength(2);
  });

  it('takes a context from before, and refuses one of a write that was never made', () => {
    expect(write(emptyRecord, contextOf([dot(a, 5)]), 5).dot).toEqual(dot(a, 6));
    expect(() => write(emptyRecord, contextOf([dot(a, 6)]), 5)).toThrow(
      expect.objectContaining({ reason: 'CONTEXT_INVALID' }),
    );
  });
});
