import { malformed } from './frame.ts';

/** What `new Headers` takes. */
export type HeaderInput = ConstructorParameters<typeof Headers>[0];

/** Header names and values as RFC 9110 section 5 allows them, in lower case. */
const LINE = /^([!#$%&'*+.^_`|~0-9a-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;
const LENGTH_BYTES = 2;
const BLOCK_BYTES_MAX = 16 * 1024;

/** `u16 length`, then `name:value\n` lines in Latin-1; undefined if there are none. Throws RangeError beyond 16 KiB. */
export function encodeHeaderBlock(headers: Headers | undefined): Buffer | undefined {
  let text = '';
  headers?.forEach((value, name) => {
    text += `${name}:${value}\n`;
  });
  if (text === '') return undefined;
  if (text.length > BLOCK_BYTES_MAX) throw new RangeError(`headers of ${text.length} bytes exceed ${BLOCK_BYTES_MAX}`);
  const block = Buffer.allocUnsafe(LENGTH_BYTES + text.length);
  block.writeUInt16LE(text.length);
  block.write(text, LENGTH_BYTES, 'latin1');
  return block;
}

/** Length of the block that starts `payload`, its length field included. */
export function headerBlockBytes(payload: Buffer, bytesMax: number): number {
  if (payload.length < LENGTH_BYTES) throw malformed('a header block is cut short');
  const length = payload.readUInt16LE();
  if (length > bytesMax) throw malformed(`headers of ${length} bytes exceed ${bytesMax}`);
  if (payload.length < LENGTH_BYTES + length) throw malformed('a header block is cut short');
  return LENGTH_BYTES + length;
}

/** Reads a block cut out by {@link headerBlockBytes}. */
export function decodeHeaderBlock(block: Buffer): Headers {
  const headers = new Headers();
  const text = block.toString('latin1', LENGTH_BYTES);
  if (text === '') return headers;
  if (!text.endsWith('\n')) throw malformed('a header line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    const match = LINE.exec(line);
    if (match === null) throw malformed('a header line is not name:value');
    headers.append(match[1] as string, match[2] as string);
  }
  return headers;
}
