import { describe, expect, it } from 'vitest';
import { isAbort } from './abort.ts';
import { causeChain } from './cause-chain.ts';
import { combineEffects } from './effect.ts';
import { InvariantViolation, invariant, unreachable } from './invariant.ts';
import { StoreError } from './store-error.ts';

describe('an invariant', () => {
  it('that holds does nothing; one that is broken names its rule', () => {
    expect(() => invariant(true, 'P1')).not.toThrow();
    expect(() => invariant(false, 'P1', 'dots are unique')).toThrow(new InvariantViolation('P1: dots are unique'));
    expect(() => invariant(false, 'INV-REPL-3')).toThrow(new InvariantViolation('INV-REPL-3'));
  });

  it('is no operating fault: it is never taken for one that may be retried', () => {
    expect(StoreError.is(new InvariantViolation('P1'))).toBe(false);
  });

  it('reports a branch that cannot be reached, whatever value got there', () => {
    expect(() => unreachable({ kind: 'odd' } as never)).toThrow('unreachable: {"kind":"odd"}');
    expect(() => unreachable(7n as never)).toThrow(InvariantViolation);
  });
});

describe('the chain of causes', () => {
  it('runs from the outermost inwards and ends at what is no error', () => {
    const inner = new Error('inner', { cause: 'text' });
    const outer = new StoreError('INTERNAL', { cause: inner });
    expect(causeChain(outer)).toEqual([outer, inner, 'text']);
    expect(causeChain(undefined)).toEqual([]);
  });

  it('ends at a cycle and after 16', () => {
    const loop = new Error('loop');
    loop.cause = loop;
    expect(causeChain(loop)).toEqual([loop]);
    let deep = new Error('0');
    for (let depth = 1; depth < 40; depth++) deep = new Error(`${depth}`, { cause: deep });
    expect(causeChain(deep)).toHaveLength(16);
  });
});

describe('the effect of several failures', () => {
  it('is certain only if all are', () => {
    expect(combineEffects([])).toBe('none');
    expect(combineEffects(['none', 'none'])).toBe('none');
    expect(combineEffects(['none', 'unknown'])).toBe('unknown');
  });
});

describe('a cancellation', () => {
  it('is what the signal gave as its reason, or what is named so', () => {
    const reason = { mine: true };
    expect(isAbort(reason, AbortSignal.abort(reason))).toBe(true);
    expect(isAbort(AbortSignal.abort().reason)).toBe(true);
    expect(isAbort(reason, new AbortController().signal)).toBe(false);
    expect(isAbort(new Error('other'), AbortSignal.abort(reason))).toBe(false);
  });
});
