import { getSystemErrorName } from 'node:util';
import { type Effect, reasonFromId, StoreError } from '@ferrite/errors';

/** What the addon throws or reports for a failed operation. */
export interface NativeFailure {
  /** Number in the table of reasons. */
  readonly reason: number;
  readonly effect: Effect;
  /** The errno behind it, 0 for none. */
  readonly systemError: number;
  readonly message: string;
}

/** The `StoreError` of a native failure on `device`: the one place where the errors of the two worlds meet. */
export function storeErrorFromNative(failure: NativeFailure, device: string): StoreError {
  const { effect, systemError } = failure;
  const code = systemError === 0 ? undefined : getSystemErrorName(-systemError);
  const where = code === undefined ? device : `${device}: ${code}`;
  return new StoreError(reasonFromId(failure.reason), {
    effect,
    message: `${failure.message} (${where})`,
    details: { device, ...(code === undefined ? {} : { code }) },
  });
}

/** A failure thrown by the addon as a `StoreError`; anything else (a bug) as it is. */
export function translated(error: unknown, device: string): unknown {
  return isNativeFailure(error) ? storeErrorFromNative(error, device) : error;
}

function isNativeFailure(error: unknown): error is NativeFailure {
  return error instanceof Error && 'reason' in error && typeof error.reason === 'number';
}
