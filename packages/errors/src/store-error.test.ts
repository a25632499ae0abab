import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { REASONS, type Reason } from './reasons.ts';
import { type ErrorDetailPlain, StoreError } from './store-error.ts';

const reasons = fc.constantFrom(...(Object.keys(REASONS) as Reason[]));
const fields = fc.dictionary(
  fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
  fc.string(),
);
const effect = fc.constantFrom('none' as const, 'unknown' as const);

describe('a StoreError', () => {
  it('gives what happened without its name and next step, to be part of another message', () => {
    const inner = new StoreError('FABRIC_UNAVAILABLE', { message: 'connect ECONNREFUSED 127.0.0.1:1' });
    expect(inner.clause).toBe('connect ECONNREFUSED 127.0.0.1:1');
    expect(new StoreError('DEVICE_FULL').clause).toBe('the device has no room for the record');
    const foreign = StoreError.fromDetail({ ...inner.toDetail(), message: 'in other words' });
    expect(foreign.clause).toBe('in other words');
  });

  it('reads as reason, what happened and the next step', () => {
    expect(new StoreError('KEY_EMPTY').message).toBe('KEY_EMPTY: the key has no bytes. Send a key of 1 to 1024 bytes.');
    expect(new StoreError('KEY_TOO_LARGE', { message: 'the key has 2000 bytes' }).message).toBe(
      'KEY_TOO_LARGE: the key has 2000 bytes. Shorten the key, or hash it and keep the name in the value.',
    );
  });

  it('takes kind and retry from the table, and has no effect unless told', () => {
    const error = new StoreError('OVERLOADED', { retryAfterMs: 50, details: { queue: 'rpc' } });
    expect(error).toMatchObject({ kind: 'resource_exhausted', retry: 'later', effect: 'none', retryAfterMs: 50 });
    expect(error.details).toEqual({ queue: 'rpc' });
    expect(error.name).toBe('StoreError');
    expect(error).toBeInstanceOf(Error);
    expect('cause' in error).toBe(false);
  });

  it('round trip: fromDetail(toDetail(error)) tells the same, over JSON too', () => {
    fc.assert(
      fc.property(
        reasons,
        effect,
        fields,
        fc.option(fc.nat()),
        fc.option(fc.string()),
        (reason, did, details, after, text) => {
          const error = new StoreError(reason, {
            effect: did,
            details,
            ...(after === null ? {} : { retryAfterMs: after }),
            ...(text === null ? {} : { message: text }),
          });
          const detail = JSON.parse(JSON.stringify(error.toDetail())) as ErrorDetailPlain;
          const copy = StoreError.fromDetail(detail);
          expect(copy.toDetail()).toEqual(error.toDetail());
          expect(copy.kind).toBe(error.kind);
          expect(copy.message).toBe(error.message);
        },
      ),
    );
  });

  it('received with a reason of the future is INTERNAL and keeps the name and the message', () => {
    const detail = {
      reason: 'MOON_FULL',
      effect: 'unknown',
      retry: 'later',
      fields: { a: 'b' },
      message: 'MOON_FULL: x.',
    };
    const error = StoreError.fromDetail(detail as ErrorDetailPlain);
    expect(error.reason).toBe('INTERNAL');
    expect(error.effect).toBe('unknown');
    expect(error.details).toEqual({ a: 'b', remoteReason: 'MOON_FULL' });
    expect(error.message).toBe('MOON_FULL: x.');
  });

  it('received without a message says what its reason means', () => {
    const detail = { reason: 'RECOVERING', effect: 'none', retry: 'elsewhere', fields: {}, message: '' } as const;
    expect(StoreError.fromDetail(detail).message).toBe(new StoreError('RECOVERING').message);
  });

  it('is recognised across copies of the package, and nothing else is', async () => {
    vi.resetModules();
    const copy = await import('./store-error.ts');
    expect(copy.StoreError).not.toBe(StoreError);
    const foreign = new copy.StoreError('DEVICE_FULL');
    expect(foreign).not.toBeInstanceOf(StoreError);
    expect(StoreError.is(foreign)).toBe(true);
    expect(StoreError.from(foreign)).toBe(foreign);
    for (const other of [undefined, null, 'DEVICE_FULL', { reason: 'DEVICE_FULL' }, new Error('x')]) {
      expect(StoreError.is(other)).toBe(false);
    }
  });

  it('made of anything else is INTERNAL with unknown effect, and keeps its cause', () => {
    const cause = new TypeError('odd');
    expect(StoreError.from(cause)).toMatchObject({ reason: 'INTERNAL', effect: 'unknown', cause });
    expect(StoreError.from(cause).message).toContain('odd');
    expect(StoreError.from('text').message).toContain('text');
    expect(StoreError.from(cause, { effect: 'none' }).effect).toBe('none');
  });

  it('with another effect is the same failure, caused by the first', () => {
    const error = new StoreError('QUORUM_UNAVAILABLE', { details: { acked: '1' }, retryAfterMs: 5 });
    expect(error.withEffect('none')).toBe(error);
    const doubtful = error.withEffect('unknown');
    expect(doubtful.toDetail()).toEqual({ ...error.toDetail(), effect: 'unknown' });
    expect(doubtful.cause).toBe(error);
  });
});
