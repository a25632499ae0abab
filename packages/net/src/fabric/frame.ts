import { StoreError } from '@ferrite/errors';

/** Bytes before the payload of every frame; see FRAMES.md. */
export const HEADER_BYTES = 16;
/** Largest payload of one frame; longer messages travel in several. */
export const FRAME_PAYLOAD_MAX = 128 * 1024;
/** Payload of a frame that carries a part of a long message. */
export const CHUNK_BYTES = 64 * 1024;
/** Methods that one connection may name. */
export const METHODS_MAX = 1024;
/** Stream ids a connection may use before a new one must be opened. */
export const STREAM_ID_MAX = 0x7fff_ffff;

export const FrameType = {
  method: 1,
  open: 2,
  data: 3,
  error: 4,
  cancel: 5,
  window: 6,
  goaway: 7,
  ping: 8,
  pong: 9,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const FRAME_TYPE_MAX: number = FrameType.pong;

export const Flag = {
  /** The sender ends its half of the stream. */
  endStream: 1,
  /** The payload ends a message. */
  endMessage: 2,
  /** The payload starts with a header block. */
  headers: 4,
  /** The payload starts with a trailer block (after the header block, if both). */
  trailers: 8,
} as const;

const FLAGS_KNOWN = 15;

/** Receives frames; throws `FRAME_MALFORMED` for what the protocol does not allow. `payload` is a view, valid for good. */
export interface FrameSink {
  onFrame(type: FrameType, flags: number, aux: number, stream: number, deadline: number, payload: Buffer): void;
}

export function malformed(message: string): StoreError {
  return new StoreError('FRAME_MALFORMED', { message });
}

/** Cuts a byte stream into frames. Holds at most one unfinished frame, whose length it has checked. */
export class FrameDecoder {
  readonly #sink: FrameSink;
  #rest: Buffer | undefined;
  #have = 0;
  #need = HEADER_BYTES;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (this.#rest !== undefined) {
      const step = Math.min(this.#need - this.#have, chunk.length - at);
      chunk.copy(this.#rest, this.#have, at, at + step);
      this.#have += step;
      at += step;
      if (this.#have < this.#need) return;
      this.#advanceRest(this.#rest);
    }
    for (;;) {
      const left = chunk.length - at;
      if (left === 0) return;
      const need = left < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + checkedLength(chunk, at);
      if (left < need) return this.#keep(chunk, at, need);
      this.#emit(chunk, at, at + need);
      at += need;
    }
  }

  #advanceRest(rest: Buffer): void {
    const need = HEADER_BYTES + checkedLength(rest, 0);
    if (this.#have < need) {
      this.#rest = Buffer.allocUnsafeSlow(need);
      rest.copy(this.#rest, 0, 0, this.#have);
      this.#need = need;
      return;
    }
    this.#rest = undefined;
    this.#emit(rest, 0, need);
  }

  #keep(chunk: Buffer, at: number, need: number): void {
    this.#rest = Buffer.allocUnsafeSlow(need);
    this.#need = need;
    this.#have = chunk.copy(this.#rest, 0, at);
  }

  #emit(buffer: Buffer, at: number, end: number): void {
    const type = buffer[at + 4] as number;
    const flags = buffer[at + 5] as number;
    if (type === 0 || type > FRAME_TYPE_MAX) throw malformed(`there is no frame of type ${type}`);
    if (flags > FLAGS_KNOWN) throw malformed(`flags ${flags} are not defined`);
    this.#sink.onFrame(
      type as FrameType,
      flags,
      buffer.readUInt16LE(at + 6),
      buffer.readUInt32LE(at + 8),
      buffer.readUInt32LE(at + 12),
      buffer.subarray(at + HEADER_BYTES, end),
    );
  }
}

function checkedLength(buffer: Buffer, at: number): number {
  const length = buffer.readUInt32LE(at);
  if (length > FRAME_PAYLOAD_MAX) throw malformed(`a frame of ${length} bytes exceeds ${FRAME_PAYLOAD_MAX}`);
  return length;
}
