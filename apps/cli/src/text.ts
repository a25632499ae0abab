const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that the bytes are in UTF-8, or undefined if they are not. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes as one printable line: control characters, backslashes and bytes that are no UTF-8 appear as `\n` or `\xff`. */
export function printable(bytes: Uint8Array): string {
  const text = decodeText(bytes);
  if (text === undefined)
    return [...bytes].map((byte) => (byte > 0x1f && byte < 0x7f ? plain(byte) : hex(byte))).join('');
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, (character) => {
    return ESCAPES[character] ?? [...new TextEncoder().encode(character)].map(hex).join('');
  });
}

/** `printable` of at most `bytesMax` bytes, and how much was left off. */
export function preview(bytes: Uint8Array, bytesMax = 60): string {
  if (bytes.length <= bytesMax) return printable(bytes);
  return `${printable(bytes.subarray(0, bytesMax))}… (${bytes.length - bytesMax} more bytes)`;
}

/** A size for people: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const scaled = bytes / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}

/** A span of time for people: `2d 3h`, `4m 5s`, `6.7s`. */
export function formatMs(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  const parts: readonly (readonly [string, number])[] = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', Math.floor(seconds) % 60],
  ];
  const first = parts.findIndex(([, amount]) => amount > 0);
  const shown = parts.slice(first, first + 2).filter(([, amount]) => amount > 0);
  return shown.map(([unit, amount]) => `${amount}${unit}`).join(' ');
}

/** `1 file`, `2,000 files`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString('en')} ${amount === 1 ? one : many}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

function plain(byte: number): string {
  return byte === 0x5c ? '\\\\' : String.fromCharCode(byte);
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
