import { invariant, StoreError } from '@ferrite/errors';
import { ACTOR_BYTES } from './limits.ts';

declare const actorIdBrand: unique symbol;

/**
 * One *life* of a partition replica (P3): 128 random bits as 32 lowercase hexadecimal digits. Order of the text is order
 * of the bytes.
 */
export type ActorId = string & { readonly [actorIdBrand]: true };

const PATTERN = /^[0-9a-f]{32}$/;

/** The actor id that `text` spells; `ARGUMENT_INVALID` unless it is 32 lowercase hexadecimal digits. */
export function actorId(text: string): ActorId {
  if (!PATTERN.test(text)) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'an actor id is not 32 lowercase hexadecimal digits' });
  }
  return text as ActorId;
}

/** A fresh actor id. `random` gives a number in [0, 1) and is called four times for 32 bits each. */
export function actorIdFromRandom(random: () => number): ActorId {
  let text = '';
  for (let word = 0; word < 4; word++) {
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }
  return actorId(text);
}

/** The actor id of exactly 16 bytes; `ARGUMENT_INVALID` for any other length. */
export function actorIdFromBytes(bytes: Uint8Array): ActorId {
  if (bytes.length !== ACTOR_BYTES) {
    throw new StoreError('ARGUMENT_INVALID', { message: `an actor id has ${bytes.length} bytes instead of 16` });
  }
  return readActorId(bytes, 0);
}

/** The 16 bytes of an actor id, newly allocated. */
export function actorIdToBytes(actor: ActorId): Uint8Array {
  const bytes = new Uint8Array(ACTOR_BYTES);
  writeActorId(bytes, 0, actor);
  return bytes;
}

const DIGITS = '0123456789abcdef';
const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => `${DIGITS[byte >> 4]}${DIGITS[byte & 15]}`);

/** The last actor read whose first byte was that one, beside its bytes: a cluster has few, and they come again and again. */
const recent: (string | undefined)[] = [];
const recentBytes = new Uint8Array(256 * ACTOR_BYTES);

/** Reads the 16 bytes at `at`, which the caller has checked to exist. */
export function readActorId(source: Uint8Array, at: number): ActorId {
  const slot = source[at]!;
  const base = slot * ACTOR_BYTES;
  const known = recent[slot];
  let index = 0;
  if (known !== undefined) {
    while (index < ACTOR_BYTES && recentBytes[base + index] === source[at + index]) index++;
    if (index === ACTOR_BYTES) return known as ActorId;
  }
  let text = '';
  for (index = 0; index < ACTOR_BYTES; index++) {
    const byte = source[at + index]!;
    recentBytes[base + index] = byte;
    text += PAIRS[byte]!;
  }
  recent[slot] = text;
  return text as ActorId;
}

/** Writes the 16 bytes of `actor` at `at` and returns the offset behind them. */
export function writeActorId(target: Uint8Array, at: number, actor: ActorId): number {
  invariant(actor.length === 2 * ACTOR_BYTES, 'P3', 'an actor id has 32 digits');
  for (let index = 0; index < ACTOR_BYTES; index++) {
    target[at + index] = (digit(actor.charCodeAt(2 * index)) << 4) | digit(actor.charCodeAt(2 * index + 1));
  }
  return at + ACTOR_BYTES;
}

/** The value of a lowercase hexadecimal digit: '0' is 48 and 'a' is 97. */
function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
