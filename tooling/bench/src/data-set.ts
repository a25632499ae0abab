import { randomFillSync } from 'node:crypto';

/** The records of every comparison: 16 bytes of key, 1 KiB of value. */
export const KEY_BYTES = 16;
export const VALUE_BYTES = 1024;
export const VALUE: Uint8Array = randomFillSync(new Uint8Array(VALUE_BYTES));

const PREFIX = 'key-';
const key = Buffer.from(PREFIX.padEnd(KEY_BYTES, '0'));

/** The key with this number. The bytes are good until the next call: for stores that copy them at once. */
export function borrowedKey(number: number): Uint8Array {
  let left = number;
  for (let at = KEY_BYTES - 1; at >= PREFIX.length; at--) {
    key[at] = 0x30 + (left % 10);
    left = Math.floor(left / 10);
  }
  return key;
}

export const randomBelow = (limit: number): number => Math.floor(Math.random() * limit);
