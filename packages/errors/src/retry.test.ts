import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, DEFAULT_BACKOFF } from './backoff.ts';
import { mayRetry, RetryBudget, type RetryOptions, retry } from './retry.ts';
import { StoreError } from './store-error.ts';

/** Time that passes only when somebody sleeps. */
function virtualTime(): { readonly slept: number[]; sleep(ms: number): Promise<void> } {
  const slept: number[] = [];
  return {
    slept,
    sleep: (ms) => {
      slept.push(ms);
      return Promise.resolve();
    },
  };
}

/** An attempt that fails with the given errors, one by one, and then succeeds with the number of the attempt. */
function failing(...errors: readonly unknown[]): (attempt: number) => Promise<number> {
  return (attempt) => {
    const error = errors[attempt - 1];
    return error === undefined ? Promise.resolve(attempt) : Promise.reject(error as Error);
  };
}

const later = new StoreError('OVERLOADED');
const elsewhere = new StoreError('TOPOLOGY_STALE');
const never = new StoreError('KEY_EMPTY');
const doubtful = new StoreError('DEADLINE_EXCEEDED', { effect: 'unknown' });
const options = (more: Partial<RetryOptions> = {}): RetryOptions => ({
  attempts: 5,
  idempotent: false,
  random: () => 0.5,
  ...virtualTime(),
  ...more,
});

describe('the pause before a retry', () => {
  it('law: lies from 0 up to min(cap, base * 2^(attempt - 1)), and grows with the random number', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), random, (attempt, drawn) => {
        const pause = backoffMs(attempt, () => drawn);
        const bound = Math.min(DEFAULT_BACKOFF.capMs, DEFAULT_BACKOFF.baseMs * 2 ** (attempt - 1));
        expect(pause).toBe(drawn * bound);
      }),
    );
  });
});

describe('retrying', () => {
  it('goes on until an attempt succeeds, with pauses that double', async () => {
    const time = virtualTime();
    await expect(retry(failing(later, later, later), options(time))).resolves.toBe(4);
    expect(time.slept).toEqual([5, 10, 20]);
  });

  it('goes elsewhere at once the first time, and with a pause after that', async () => {
    const time = virtualTime();
    await expect(retry(failing(elsewhere, elsewhere), options(time))).resolves.toBe(3);
    expect(time.slept).toEqual([0, 10]);
  });

  it('waits at least as long as the error asks', async () => {
    const time = virtualTime();
    await retry(failing(new StoreError('OVERLOADED', { retryAfterMs: 700 })), options(time));
    expect(time.slept).toEqual([700]);
  });

  it('stops at the last attempt with its error', async () => {
    const time = virtualTime();
    const errors = Array.from({ length: 9 }, () => new StoreError('OVERLOADED'));
    await expect(retry(failing(...errors), options({ ...time, attempts: 3 }))).rejects.toBe(errors[2]);
    expect(time.slept).toHaveLength(2);
  });

  it('does not repeat what can never succeed, nor what may have happened unless that does no harm', async () => {
    await expect(retry(failing(never), options())).rejects.toBe(never);
    await expect(retry(failing(doubtful), options())).rejects.toBe(doubtful);
    await expect(retry(failing(doubtful), options({ idempotent: true }))).resolves.toBe(2);
    expect([mayRetry(never, true), mayRetry(doubtful, false), mayRetry(doubtful, true)]).toEqual([false, false, true]);
  });

  it('passes on what is no StoreError', async () => {
    const bug = new TypeError('bug');
    await expect(retry(failing(bug), options({ idempotent: true }))).rejects.toBe(bug);
  });

  it('stops at a cancellation, before an attempt, during one and while it waits', async () => {
    const reason = new Error('enough');
    const aborted = options({ signal: AbortSignal.abort(reason) });
    await expect(retry(failing(), aborted)).rejects.toBe(reason);

    const during = new AbortController();
    const attempt = (): Promise<never> => {
      during.abort(reason);
      return Promise.reject(reason);
    };
    await expect(retry(attempt, options({ signal: during.signal }))).rejects.toBe(reason);

    // The real sleep, for once: it has to let go of an hour's pause at once.
    const waiting = new AbortController();
    const slow = new StoreError('OVERLOADED', { retryAfterMs: 3_600_000 });
    const pending = retry(failing(slow), { attempts: 2, idempotent: true, signal: waiting.signal });
    setImmediate(() => waiting.abort(reason));
    await expect(pending).rejects.toBe(reason);
  });
});

describe('a retry budget', () => {
  it('allows a burst, then one retry for every so many first attempts', () => {
    const budget = new RetryBudget(0.25, 2);
    expect([budget.spend(), budget.spend(), budget.spend()]).toEqual([true, true, false]);
    for (let call = 0; call < 3; call++) budget.earn();
    expect(budget.spend()).toBe(false);
    budget.earn();
    expect([budget.spend(), budget.spend()]).toEqual([true, false]);
  });

  it('does not save more than the burst', () => {
    const budget = new RetryBudget(1, 2);
    for (let call = 0; call < 100; call++) budget.earn();
    expect([budget.spend(), budget.spend(), budget.spend()]).toEqual([true, true, false]);
  });

  it('ends the retries of whoever shares it when it is spent', async () => {
    const budget = new RetryBudget(0, 1);
    await expect(retry(failing(later), options({ budget }))).resolves.toBe(2);
    await expect(retry(failing(later), options({ budget }))).rejects.toBe(later);
  });

  it('scales, where it may, with the requests in flight, and no further', () => {
    const budget = new RetryBudget(0.25, 100, { scales: true });
    for (let inFlight = 1; inFlight <= 1_000; inFlight++) budget.earn(inFlight);
    let spent = 0;
    while (budget.spend()) spent++;
    expect(spent).toBe(1_000);
    // The burst is spent: what is in flight again earns its share and no burst of its own.
    for (let inFlight = 1; inFlight <= 1_000; inFlight++) budget.earn(inFlight);
    while (budget.spend()) spent++;
    expect(spent).toBe(1_250);
    const fixed = new RetryBudget(0.25, 100);
    for (let inFlight = 1; inFlight <= 1_000; inFlight++) fixed.earn(inFlight);
    for (let each = 0; each < 100; each++) expect(fixed.spend()).toBe(true);
    expect(fixed.spend()).toBe(false);
  });
});
