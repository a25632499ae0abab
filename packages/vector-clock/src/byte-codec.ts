import { StoreError } from '@ferrite/errors';
import { type ActorId, readActorId } from './actor-id.ts';
import { ACTOR_BYTES, COUNTER_MAX } from './limits.ts';

/** The fault that every decoder here answers malformed bytes with. */
export function malformed(what: string): StoreError {
  return new StoreError('ARGUMENT_INVALID', { message: `the encoded bytes are malformed: ${what}` });
}

/** Bytes that {@link writeVarint} uses for an integer from 0 to 2^53 - 1: 1 to 8. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** Writes an integer from 0 to 2^53 - 1 as unsigned LEB128 at `at`; returns the offset behind it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let offset = at;
  while (rest >= 0x80) {
    target[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[offset++] = rest;
  return offset;
}

/** Reads encoded bytes front to back; every step throws `ARGUMENT_INVALID` instead of passing the end. */
export class Reader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  version(expected: number): void {
    if (this.remaining < 1) throw malformed('no version byte');
    const version = this.bytes[this.at++];
    if (version !== expected) throw malformed(`version ${version} is not known`);
  }

  /** An integer from 0 to 2^53 - 1 in its shortest form. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw malformed('an integer is cut off');
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw malformed('an integer is not in its shortest form');
        value += byte * scale;
        if (value > COUNTER_MAX || scale > COUNTER_MAX) throw malformed('an integer exceeds 2^53 - 1');
        return value;
      }
      value += (byte - 0x80) * scale;
      if (scale > COUNTER_MAX) throw malformed('an integer exceeds 2^53 - 1');
    }
  }

  /** The number of things that follow, each of at least `bytesEach` bytes: never more than there is room for. */
  count(bytesEach: number): number {
    const count = this.varint();
    if (count * bytesEach > this.remaining) throw malformed('a count exceeds what follows');
    return count;
  }

  actor(): ActorId {
    if (this.remaining < ACTOR_BYTES) throw malformed('an actor id is cut off');
    const actor = readActorId(this.bytes, this.at);
    this.at += ACTOR_BYTES;
    return actor;
  }

  /** Passes over `length` bytes and returns the offset of the first. */
  skip(length: number): number {
    if (length > this.remaining) throw malformed('a value is cut off');
    const start = this.at;
    this.at += length;
    return start;
  }

  end(): void {
    if (this.remaining !== 0) throw malformed('bytes follow the end');
  }
}
