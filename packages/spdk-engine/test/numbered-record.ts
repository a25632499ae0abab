/** Keys are used again after this many numbers, so that most appends are overwrites. */
export const KEYS = 700;

export function keyOf(n: number): Uint8Array {
  return Buffer.from(`key ${n % KEYS}`);
}

/** 0 to 6 KiB that say which number they belong to in every word. */
export function valueOf(n: number): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: (n * 37) % 1500 }, (_, at) => n + at).buffer);
}
