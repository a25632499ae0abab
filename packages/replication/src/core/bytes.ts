/** Bytes to text and back for keys of maps and for the small ASCII documents of the core, which has no TextEncoder. */

const SHORT = 24;

/** One character a byte: equal texts are equal bytes. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  // Most texts are keys, and short ones are put together faster than they are handed over as arguments.
  if (bytes.length <= SHORT) {
    for (let at = 0; at < bytes.length; at++) text += String.fromCharCode(bytes[at]!);
    return text;
  }
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode.apply(undefined, bytes.subarray(at, at + 4096) as unknown as number[]);
  }
  return text;
}

/** The bytes of a text that holds only characters below 256. */
export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Lexicographic order: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = a[at]! - b[at]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
