/** The bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** 32 random bits as a number in [0, 1). */
export function fraction(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0) / 2 ** 32;
}
