import { invariant } from '@ferrite/errors';

/** Bytes that come in chunks and go in pieces of other sizes; a piece within one chunk is not copied. */
export class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.byteLength;
  }

  /** The first `bytes` bytes, of at least as many; they stay. */
  peek(bytes: number): Uint8Array {
    invariant(bytes <= this.#length, 'INV-ENGINE-SNAPSHOT', 'more is taken from a queue than there is in it');
    let first = this.#chunks[0] ?? new Uint8Array();
    if (bytes > first.byteLength) {
      let chunks = 0;
      for (let held = 0; held < bytes; chunks += 1) held += this.#chunks[chunks]?.byteLength ?? 0;
      first = Buffer.concat(this.#chunks.splice(0, chunks));
      this.#chunks.unshift(first);
    }
    return first.subarray(0, bytes);
  }

  /** The same, and they go. */
  take(bytes: number): Uint8Array {
    const piece = this.peek(bytes);
    const first = this.#chunks[0];
    if (first !== undefined) {
      if (bytes < first.byteLength) this.#chunks[0] = first.subarray(bytes);
      else this.#chunks.shift();
    }
    this.#length -= bytes;
    return piece;
  }
}
