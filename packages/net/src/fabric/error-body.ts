import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { malformed } from './frame.ts';

const MESSAGE_BYTES_MAX = 8 * 1024;
const DETAILS_BYTES_MAX = 64 * 1024;

/**
 * Body of an error frame: `u32 length, message in UTF-8`, then per detail `u16 length, type name, u32 length, protobuf`.
 * The code travels in the frame's header. Details that would not fit are left out.
 */
export function encodeErrorBody(error: ConnectError): Buffer {
  const message = Buffer.from(error.rawMessage.slice(0, MESSAGE_BYTES_MAX));
  const parts: Buffer[] = [u32(message.length), message];
  let room = DETAILS_BYTES_MAX;
  for (const detail of error.details) {
    const type = Buffer.from('desc' in detail ? detail.desc.typeName : detail.type);
    const value =
      'desc' in detail
        ? toBinary(detail.desc, { $typeName: detail.desc.typeName, ...detail.value } as never)
        : detail.value;
    room -= type.length + value.length;
    if (room < 0) break;
    const length = Buffer.alloc(2);
    length.writeUInt16LE(type.length);
    parts.push(length, type, u32(value.length), Buffer.from(value.buffer, value.byteOffset, value.length));
  }
  return Buffer.concat(parts);
}

/** Reads an error frame's body; `code` is the frame's aux field. */
export function decodeErrorBody(code: number, body: Buffer): ConnectError {
  if (code < Code.Canceled || code > Code.Unauthenticated) throw malformed(`there is no error code ${code}`);
  const cursor = new Cursor(body);
  const error = new ConnectError(cursor.take(cursor.u32()).toString('utf8'), code);
  while (!cursor.done) {
    const type = cursor.take(cursor.u16()).toString('utf8');
    error.details.push({ type, value: cursor.take(cursor.u32()) });
  }
  return error;
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  u16(): number {
    return this.take(2).readUInt16LE();
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw malformed('an error frame is cut short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
