import { compareBytes, latin1 } from '../core/bytes.ts';

/** A record as a disk holds it. */
export interface Stored {
  readonly id: string;
  readonly keyspaceId: number;
  readonly key: Uint8Array;
  readonly hash: bigint;
  readonly partition: number;
  /** Absent: the key was removed. */
  readonly value: Uint8Array | undefined;
  /** The bytes on the medium have changed since. */
  rotten: boolean;
}

/** A record that was not removed. */
export type Present = Stored & { readonly value: Uint8Array };

export function recordId(keyspaceId: number, key: Uint8Array): string {
  return `${keyspaceId}/${latin1(key)}`;
}

/** The order of pages: by hash, then by key (P19). */
export function comparePlaces(
  a: { readonly hash: bigint; readonly key: Uint8Array },
  b: { readonly hash: bigint; readonly key: Uint8Array },
): number {
  if (a.hash !== b.hash) return a.hash < b.hash ? -1 : 1;
  return compareBytes(a.key, b.key);
}
