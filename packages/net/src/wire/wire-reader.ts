const EMPTY = Buffer.alloc(0);
const SAFE_BITS = 53;

/**
 * Takes one protobuf message apart by hand, as far as it is plain: what is malformed, or merely unusual, makes it `odd`, and
 * then the whole message is left to protobuf-es, which knows what is an error and what is not. Never reads beyond `end`.
 */
export class WireReader {
  bytes: Buffer = EMPTY;
  at = 0;
  end = 0;
  odd = false;

  begin(bytes: Buffer): this {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
    this.odd = false;
    return this;
  }

  /** The tag of the next field, if it is one byte; 0 at the end, or where the message is odd. */
  tag(): number {
    if (this.at >= this.end || this.odd) return 0;
    const tag = this.bytes[this.at++]!;
    if (tag < 8 || tag > 0x7f) this.odd = true;
    return this.odd ? 0 : tag;
  }

  /** An integer from 0 to `max`, at most 2^53 - 1. */
  uint(max: number): number {
    let value = 0;
    let scale = 1;
    for (let bits = 0; bits < SAFE_BITS; bits += 7) {
      if (this.at >= this.end) break;
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > max) this.odd = true;
        return value;
      }
      scale *= 0x80;
    }
    this.odd = true;
    return 0;
  }

  bool(): boolean {
    return this.uint(1) === 1;
  }

  /** A view of the message. */
  blob(): Buffer {
    const length = this.uint(this.end);
    const start = this.at;
    if (this.odd || start + length > this.end) {
      this.odd = true;
      return EMPTY;
    }
    this.at = start + length;
    return this.bytes.subarray(start, this.at);
  }

  /** A text of ASCII; any other is odd. */
  text(): string {
    const length = this.uint(this.end);
    const start = this.at;
    const end = start + length;
    if (this.odd || end > this.end) {
      this.odd = true;
      return '';
    }
    this.at = end;
    for (let at = start; at < end; at++) {
      if (this.bytes[at]! > 0x7f) {
        this.odd = true;
        return '';
      }
    }
    return this.bytes.toString('latin1', start, end);
  }

  /** Enters a message within this one; {@link leave} with what it gave. */
  enter(): number {
    const length = this.uint(this.end);
    const outer = this.end;
    if (this.odd || this.at + length > outer) this.odd = true;
    else this.end = this.at + length;
    return outer;
  }

  leave(outer: number): void {
    this.end = outer;
  }
}
