import { StoreError } from '@ferrite/errors';

const KEY_BYTES_MAX = 1024;
const VALUE_BYTES_MAX = 8 * 1024 * 1024;
const IDEMPOTENCY_TOKEN_BYTES_MAX = 64;

/** `KEY_EMPTY`, `KEY_TOO_LARGE`. */
export function checkKey(key: Uint8Array): void {
  if (key.byteLength === 0) throw new StoreError('KEY_EMPTY');
  if (key.byteLength > KEY_BYTES_MAX) {
    throw new StoreError('KEY_TOO_LARGE', {
      message: `the key has ${key.byteLength} bytes, at most ${KEY_BYTES_MAX} are stored`,
    });
  }
}

/** `VALUE_TOO_LARGE`. */
export function checkValue(value: Uint8Array): void {
  if (value.byteLength <= VALUE_BYTES_MAX) return;
  throw new StoreError('VALUE_TOO_LARGE', {
    message: `the value has ${value.byteLength} bytes, at most ${VALUE_BYTES_MAX} are stored`,
  });
}

/** `ARGUMENT_INVALID`. */
export function checkIdempotencyToken(token: Uint8Array): void {
  if (token.byteLength <= IDEMPOTENCY_TOKEN_BYTES_MAX) return;
  const message = `an idempotency token has 1 to ${IDEMPOTENCY_TOKEN_BYTES_MAX} bytes`;
  throw new StoreError('ARGUMENT_INVALID', { message });
}
