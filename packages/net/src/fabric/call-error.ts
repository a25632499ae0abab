import type { DescMethod } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { StoreError } from '@ferrite/errors';

/** How far a failed call came: the server answered; it may have the whole request; it certainly has not. */
export type Fate = 'answered' | 'sent' | 'unsent';

/** A server's answer states its own effect; what we find out ourselves is judged by how far the call came. */
export function callError(method: DescMethod, error: unknown, fate: Fate): unknown {
  if (!StoreError.is(error) || fate === 'answered') return error;
  const harmless = fate === 'unsent' || method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return error.withEffect(harmless ? 'none' : 'unknown');
}

/** The request could not be put on the wire. */
export function requestError(method: DescMethod, cause: unknown): unknown {
  if (StoreError.is(cause)) return cause;
  const message = `the request is no valid ${method.input.typeName}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new StoreError('ARGUMENT_INVALID', { message, cause });
}

export function tooLarge(bytes: number, bytesMax: number): StoreError {
  return new StoreError('MESSAGE_TOO_LARGE', { message: `a message of ${bytes} bytes exceeds ${bytesMax}` });
}
