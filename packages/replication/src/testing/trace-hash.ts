/** Longer bytes go into the fingerprint by their beginning and a sample of the rest. */
const WHOLE_MAX = 64;
const SAMPLE_EVERY = 61;

const LOW_PRIME = 0x01000193;
const HIGH_PRIME = 0x85ebca6b;

/**
 * A running fingerprint of everything that happened, in order (two lanes of 32 bits, FNV-1a with different primes). With a
 * recorder it also tells it, line by line.
 */
export class TraceHash {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;
  readonly record: ((line: string) => void) | undefined;

  constructor(record?: (line: string) => void) {
    this.record = record;
  }

  /** A whole number, or a fraction to a millionth. */
  number(value: number): void {
    const whole = Math.floor(value);
    this.#mix(whole);
    if (whole !== value) this.#mix((value - whole) * 1e6);
  }

  text(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
  }

  bytes(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#mix(length);
    const whole = Math.min(length, WHOLE_MAX);
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < length; at += at < whole ? 1 : SAMPLE_EVERY) {
      low = Math.imul(low ^ bytes[at]!, LOW_PRIME);
      high = Math.imul(high ^ bytes[at]!, HIGH_PRIME) ^ (high >>> 13);
    }
    this.#low = low;
    this.#high = high;
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return [this.#high, this.#low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, LOW_PRIME);
    this.#high = Math.imul(this.#high ^ value, HIGH_PRIME) ^ (this.#high >>> 13);
  }
}
