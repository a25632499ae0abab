/** Messages up to this are put together in one place that all share, and are gone with the next one. */
const SHARED_BYTES = 8 * 1024;

const shared: Buffer = Buffer.allocUnsafeSlow(SHARED_BYTES);

/** Bytes of a field beside its payload, at most: a tag below 16 and a length below 2^53. */
export const FIELD_BYTES_MAX = 9;

/**
 * Puts one protobuf message together by hand, for the few messages whose encoding is a good part of their call. Fields are
 * written in the order of their numbers, absent ones left out, so that the bytes are those of `toBinary`. Tags are whole
 * bytes: field number times 8 plus wire type, numbers below 16.
 *
 * A message of up to 8 KiB is *borrowed* by whoever gets it: it is valid until the next one begins, on this thread.
 */
export class WireWriter {
  bytes: Buffer = shared;
  at = 0;

  /** Begins a message of at most `bytesMax`. */
  begin(bytesMax: number): this {
    this.bytes = bytesMax <= SHARED_BYTES ? shared : Buffer.allocUnsafeSlow(bytesMax);
    this.at = 0;
    return this;
  }

  end(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  /** An integer from 0 to 2^53 - 1, with neither tag nor field. */
  varint(value: number): void {
    const { bytes } = this;
    let { at } = this;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.at = at;
  }

  /** An integer from 0 to 2^53 - 1, or an enum. */
  uint(tag: number, value: number): void {
    if (value === 0) return;
    this.bytes[this.at++] = tag;
    this.varint(value);
  }

  bool(tag: number, value: boolean): void {
    if (!value) return;
    this.bytes[this.at++] = tag;
    this.bytes[this.at++] = 1;
  }

  blob(tag: number, value: Uint8Array): void {
    const { length } = value;
    if (length === 0) return;
    this.bytes[this.at++] = tag;
    this.varint(length);
    this.bytes.set(value, this.at);
    this.at += length;
  }

  text(tag: number, value: string): void {
    if (value === '') return;
    this.bytes[this.at++] = tag;
    this.varint(Buffer.byteLength(value));
    this.at += this.bytes.write(value, this.at);
  }
}

/** Bytes that a text takes, at most. */
export function textBytesMax(text: string): number {
  return FIELD_BYTES_MAX + 3 * text.length;
}

/** Bytes of an integer from 0 to 2^53 - 1. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
