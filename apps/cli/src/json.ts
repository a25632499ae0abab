import { decodeText } from './text.ts';

/** One JSON document on one line; numbers that JavaScript cannot hold exactly become strings, bytes base64. */
export function toJsonLine(value: unknown): string {
  return `${JSON.stringify(plain(value))}\n`;
}

/** Done by hand because `Buffer` has a `toJSON` of its own, which comes before any replacer. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

/** Bytes as two fields: `NAMEBase64` always, `NAME` if they are text. */
export function bytesFields(name: string, bytes: Uint8Array): Record<string, string> {
  const text = decodeText(bytes);
  return { ...(text !== undefined && { [name]: text }), [`${name}Base64`]: Buffer.from(bytes).toString('base64') };
}
