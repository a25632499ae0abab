import { keyHash } from '@ferrite/hashing';
import { compareBytes } from './bytes.ts';

/** A place in the order in which a partition's records are scanned: (hash, key). */
export interface Place {
  readonly hash: bigint;
  readonly key: Uint8Array;
}

/** Negative, zero or positive. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.hash !== b.hash) return a.hash < b.hash ? -1 : 1;
  return compareBytes(a.key, b.key);
}

/** Where a key is. */
export function placeOf(key: Uint8Array): Place {
  return { hash: keyHash(key), key };
}
