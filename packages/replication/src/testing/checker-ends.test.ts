import { addDot, contextOf, dot, emptyContext } from '@ferrite/vector-clock';
import { describe, expect, it } from 'vitest';
import { A, B, put, read, rulesBroken, seen } from './hand-made.ts';
import type { FinalState, ScanRecord } from './history.ts';

const a1 = dot(A, 1);
const a2 = dot(A, 2);
const b1 = dot(B, 1);
const first = put(1, 0, a1);
const removal = { kind: 'delete', value: '' } as const;

describe('writes', () => {
  it('take effect once', () => {
    const values = [seen(1, a1), seen(1, b1)];
    expect(rulesBroken({ writes: [first], reads: [read(3, 5, contextOf([a1, b1]), values)] })).toEqual([
      'written-twice',
    ]);
  });

  it('are acknowledged by as many replicas as were asked for', () => {
    expect(rulesBroken({ writes: [{ ...first, durable: 1 }] })).toEqual(['short-ack']);
    expect(rulesBroken({ writes: [{ ...first, durable: 1, durability: 'MEMORY', acked: 2 }] })).toEqual([]);
    expect(rulesBroken({ writes: [{ ...first, acked: 4 }] })).toEqual(['short-ack']);
  });
});

describe('a replica that knows of a replacement', () => {
  it('never shows what was replaced, whatever was promised', () => {
    const weak = { consistency: 'ONE', durability: 'MEMORY' } as const;
    const writes = [put(1, 0, a1, undefined, weak), put(2, 10, a2, contextOf([a1]), { ...weak, ...removal })];
    const ghost = read(3, 11, contextOf([a1, a2]), [seen(1, a1)], { consistency: 'ONE' });
    expect(rulesBroken({ writes, reads: [ghost] })).toEqual(['resurrected']);
    const older = read(3, 11, contextOf([a1]), [seen(1, a1)], { consistency: 'ONE' });
    expect(rulesBroken({ writes, reads: [older] })).toEqual([]);
  });
});

describe('after a repaired read', () => {
  const memory = { ...first, durability: 'MEMORY' } as const;
  const repaired = read(3, 5, contextOf([a1]), [seen(1, a1)]);

  it('no scan goes back', () => {
    const scan = read(4, 10, emptyContext, [], { source: 'scan' });
    expect(rulesBroken({ writes: [memory], reads: [repaired, scan] })).toEqual(['went-back']);
    const absent = read(4, 10, emptyContext, [], { source: 'scan-absent' });
    expect(rulesBroken({ writes: [memory], reads: [repaired, absent] })).toEqual(['went-back']);
    const removed = put(2, 7, a2, contextOf([a1]), { ...removal, durability: 'MEMORY' });
    expect(rulesBroken({ writes: [memory, removed], reads: [repaired, absent] })).toEqual([]);
  });

  it('no value that was gone comes back', () => {
    const unknown = { outcome: 'unknown', endedAt: Number.POSITIVE_INFINITY, response: undefined } as const;
    const writes = [memory, put(2, 2, a2, contextOf([a1]), { ...unknown, ...removal })];
    const gone = read(4, 10, contextOf([a1]), []);
    const back = read(5, 20, contextOf([a1]), [seen(1, a1)]);
    expect(rulesBroken({ writes, reads: [gone, back] })).toEqual(['went-back']);
  });

  it('a blind delete covers what it returned', () => {
    const blind = put(2, 10, b1, undefined, removal);
    expect(rulesBroken({ writes: [memory, blind], reads: [repaired] })).toEqual(['delete-incomplete']);
    const complete = { ...blind, response: contextOf([a1, b1]) };
    expect(rulesBroken({ writes: [memory, complete], reads: [repaired] })).toEqual([]);
  });
});

describe('in the end', () => {
  const empty: FinalState[] = ['n1', 'n2'].map((node) => ({ key: 'k', node, context: emptyContext, values: [] }));

  it('the replicas know of every promised write, even where they agree', () => {
    expect(rulesBroken({ writes: [first], finals: empty })).toEqual(['lost']);
  });

  it('they know of whatever was acknowledged that no fault could take', () => {
    const one = { ...first, consistency: 'ONE' } as const;
    expect(rulesBroken({ writes: [one], finals: empty, kept: 'flushed' })).toEqual(['lost']);
    expect(rulesBroken({ writes: [one], finals: empty, kept: 'quorum' })).toEqual([]);
    const memory = { ...first, durability: 'MEMORY' } as const;
    expect(rulesBroken({ writes: [memory], finals: empty, kept: 'accepted' })).toEqual(['lost']);
    expect(rulesBroken({ writes: [memory], finals: empty, kept: 'flushed' })).toEqual([]);
  });

  it('they may hold what a write without an answer left', () => {
    const unknown = { outcome: 'unknown', endedAt: Number.POSITIVE_INFINITY, response: undefined } as const;
    const held = empty.map((each) => ({ ...each, context: contextOf([a1, b1]), values: [seen(1, a1), seen(2, b1)] }));
    expect(rulesBroken({ writes: [first, put(2, 10, b1, undefined, unknown)], finals: held })).toEqual([]);
  });
});

describe('a scan', () => {
  const page = (keys: readonly [string, bigint][], next?: bigint): ScanRecord['pages'][number] => ({
    keys: keys.map(([key, hash]) => ({ key, hash, partition: 0 })),
    next: next === undefined ? undefined : { hash: next, key: new Uint8Array([120]) },
  });
  const scan = (...pages: ScanRecord['pages']): ScanRecord => ({ id: 1, partition: 0, pages });

  it('shows keys in the order of their hashes, over all its pages', () => {
    expect(rulesBroken({ scans: [scan(page([['x', 1n]], 1n), page([['y', 2n]]))] })).toEqual([]);
    expect(
      rulesBroken({
        scans: [
          scan(
            page([
              ['x', 2n],
              ['y', 1n],
            ]),
          ),
        ],
      }),
    ).toEqual(['scan-order']);
  });

  it('shows no key twice, in one page or in two', () => {
    expect(
      rulesBroken({
        scans: [
          scan(
            page([
              ['x', 1n],
              ['x', 1n],
            ]),
          ),
        ],
      }),
    ).toEqual(['scan-order']);
    expect(rulesBroken({ scans: [scan(page([['x', 1n]], 1n), page([['x', 1n]]))] })).toEqual(['scan-order']);
  });

  it('never goes on before what it has shown, nor outside its partition', () => {
    expect(rulesBroken({ scans: [scan(page([['x', 3n]], 2n))] })).toEqual(['scan-order']);
    expect(rulesBroken({ scans: [{ ...scan(page([['x', 1n]])), partition: 1 }] })).toEqual(['scan-order']);
  });
});

it('accepts a long history of one key without complaint', () => {
  let context = emptyContext;
  const writes = [];
  const reads = [];
  for (let at = 1; at <= 200; at++) {
    const own = dot(at % 2 === 0 ? A : B, Math.ceil(at / 2));
    const write = put(at, at * 10, own, context);
    context = addDot(context, own);
    writes.push(write);
    reads.push(read(1_000 + at, at * 10 + 5, context, [seen(at, own)]));
  }
  expect(rulesBroken({ writes, reads })).toEqual([]);
  const late = read(9_999, 5_000, reads[100]!.context, reads[100]!.values);
  expect(rulesBroken({ writes, reads: [...reads, late] })).toEqual(['lost', 'resurrected', 'went-back']);
});
