import { decodeText } from './text.ts';

/** One JSON document on one line; numbers that JavaScript cannot hold exactly become strings, bytes base64. */
export function toJsonLine(value: unknown): string {
  return `${JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === 'bigint') return Number.isSafeInteger(Number(field)) ? Number(field) : String(field);
    return field instanceof Uint8Array ? Buffer.from(field).toString('base64') : field;
  })}\n`;
}

/** Bytes as two fields: `NAMEBase64` always, `NAME` if they are text. */
export function bytesFields(name: string, bytes: Uint8Array): Record<string, string> {
  const text = decodeText(bytes);
  return { ...(text !== undefined && { [name]: text }), [`${name}Base64`]: Buffer.from(bytes).toString('base64') };
}
