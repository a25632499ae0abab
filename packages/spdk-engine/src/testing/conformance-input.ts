import type { StoredRecord } from '../object-store.ts';

/** Text as bytes. */
export function bytes(of: string): Uint8Array {
  return new TextEncoder().encode(of);
}

/** The value of a record as text. */
export function text(record: StoredRecord | undefined): string | undefined {
  return record === undefined ? undefined : Buffer.from(record.value).toString();
}

/** Distinct names, the same ones every time. */
export function names(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `name ${n}`);
}

/** Bytes that differ from block to block, so that a misplaced block shows. */
export function pattern(length: number): Uint8Array {
  const made = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) made[at] = at * 31 + (at >> 8) * 17;
  return made;
}

/** Mebibytes in bytes. */
export function MiB(count: number): number {
  return count * 1024 * 1024;
}

/** A seeded sequence of integers below 2^31 (the C standard's sample generator). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state >>> 8;
  };
}
