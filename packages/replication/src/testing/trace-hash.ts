import { latin1 } from '../core/bytes.ts';

/** A running fingerprint of everything that happened, in order (two lanes of 32 bits, FNV-1a with different primes). */
export class TraceHash {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;

  add(text: string): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b) ^ (high >>> 13);
    }
    this.#low = low;
    this.#high = high;
  }

  bytes(bytes: Uint8Array): void {
    this.add(latin1(bytes));
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return [this.#high, this.#low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
