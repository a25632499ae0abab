import { Code, ConnectError } from '@connectrpc/connect';
import { KINDS, REASONS, type Reason, StoreError } from '@ferrite/errors';
import { ErrorDetailSchema } from '@ferrite/proto/errors';
import { expect, it } from 'vitest';
import { asConnectError, fromConnectError, toConnectError } from './connect-error.ts';
import { decodeErrorBody, encodeErrorBody } from './fabric/error-body.ts';

it.each(Object.keys(REASONS) as Reason[])('carries %s to the other side unchanged', (reason) => {
  const error = new StoreError(reason, { effect: 'unknown', retryAfterMs: 1500, details: { node: 'n1' } });
  const wire = toConnectError(error);
  expect(wire.rawMessage).toMatch(new RegExp(`^${reason}: `));
  const back = fromConnectError(decodeErrorBody(wire.code, encodeErrorBody(wire)));
  expect(back.toDetail()).toEqual(error.toDetail());
});

it('knows a code for every kind', () => {
  for (const reason of Object.keys(REASONS) as Reason[]) {
    const { code } = toConnectError(new StoreError(reason));
    const name = Code[code].replace(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
    expect(name).toBe(REASONS[reason].kind);
    expect(Object.keys(KINDS)).toContain(name);
  }
});

it('finds the StoreError inside another error', () => {
  const inner = new StoreError('DEVICE_FULL');
  expect(fromConnectError(new Error('outer', { cause: inner }))).toBe(inner);
  expect(fromConnectError(toConnectError(inner))).toBe(inner);
});

it('takes the nearest reason for a bare code, and effect none only where nothing can have happened', () => {
  const of = (code: Code, cause?: unknown) =>
    fromConnectError(new ConnectError('m', code, undefined, undefined, cause));
  expect(of(Code.Unimplemented)).toMatchObject({ reason: 'UNIMPLEMENTED', effect: 'none' });
  expect(of(Code.DeadlineExceeded)).toMatchObject({ reason: 'DEADLINE_EXCEEDED', effect: 'unknown' });
  expect(of(Code.Unavailable)).toMatchObject({ reason: 'FABRIC_UNAVAILABLE', effect: 'unknown' });
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  expect(of(Code.Unavailable, refused)).toMatchObject({ reason: 'FABRIC_UNAVAILABLE', effect: 'none' });
});

it('gives every failure of a handler a detail', () => {
  for (const thrown of [new TypeError('x'), 'text', undefined, new ConnectError('no', Code.NotFound)]) {
    expect(asConnectError(thrown).findDetails(ErrorDetailSchema)).toHaveLength(1);
  }
});
