import { StoreError } from '@ferrite/errors';

/**
 * The bucket of a key, from 0 to `buckets` - 1 (1 to 2^31): balanced, without a table, and one more bucket moves 1 in
 * `buckets` keys; but buckets come and go at the end only. `key` is taken modulo 2^64.
 * Lamping, Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (arXiv:1406.2294).
 */
export function jumpHash(key: bigint, buckets: number): number {
  if (!Number.isInteger(buckets) || buckets < 1 || buckets > 2 ** 31) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'the number of buckets is not an integer from 1 to 2^31' });
  }
  let state = BigInt.asUintN(64, key);
  let bucket = 0;
  for (let next = 0; next < buckets; ) {
    bucket = next;
    state = BigInt.asUintN(64, state * 2862933555777941757n + 1n);
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(state >> 33n) + 1)));
  }
  return bucket;
}
