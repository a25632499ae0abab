import type { Socket } from 'node:net';
import { CHUNK_BYTES, Flag, FrameType, HEADER_BYTES } from './frame.ts';

/** A batch is handed to the socket at this size, or when the event loop has heard all sockets, whichever comes first. */
const FLUSH_BYTES = 24 * 1024;
const BATCH_BYTES = 64 * 1024;
/** Payloads up to this are copied into the batch, longer ones are written from where they are. */
const COPY_BYTES_MAX = 16 * 1024;
/** Bytes in the socket up to which parts of long messages are added; small frames never wait behind more than this. */
const SOCKET_BYTES_HIGH = 256 * 1024;

const ENDS = Flag.endStream | Flag.endMessage;
const BLOCKS = Flag.headers | Flag.trailers;

interface Batch {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Batches that are not in use, shared by the connections of one listener or transport, so that idle ones hold none. */
export class BatchPool {
  readonly #free: Batch[] = [];

  acquire(): Batch {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const bytes = Buffer.allocUnsafeSlow(BATCH_BYTES);
    return { bytes, view: new DataView(bytes.buffer) };
  }

  release(batch: Batch): void {
    if (this.#free.length < 32) this.#free.push(batch);
  }
}

/** A long message on its way, cut into chunks. */
interface LongMessage {
  readonly type: FrameType;
  /** Flags of the last chunk. */
  readonly flags: number;
  readonly aux: number;
  readonly stream: number;
  readonly deadline: number;
  /** Header and trailer blocks; sent with the first chunk. */
  readonly blocks: Buffer | undefined;
  readonly bytes: Uint8Array;
  readonly onSent: (() => void) | undefined;
  at: number;
}

/**
 * Puts frames onto a socket. Frames written in one turn of the event loop leave in one write, whatever they answer; long messages are sent a chunk at a time,
 * in turns, whenever the socket has room, so that a short message never waits for a long one.
 */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #pool: BatchPool;
  readonly #long: LongMessage[] = [];
  #batch: Batch | undefined;
  #at = 0;
  #scheduled = false;
  #longBytes = 0;
  /** Batches handed to the socket so far: frames written since this last changed have not left the process. */
  flushes = 0;

  constructor(socket: Socket, pool: BatchPool) {
    this.#socket = socket;
    this.#pool = pool;
    socket.on('drain', () => this.#pump());
  }

  /** Bytes accepted here that the kernel has not taken. */
  get bufferedBytes(): number {
    return this.#at + this.#longBytes + this.#socket.writableLength;
  }

  /** Writes one frame; the payload is at most {@link CHUNK_BYTES} plus header blocks, and copied or kept until sent. */
  frame(type: FrameType, flags: number, aux: number, stream: number, deadline: number, payload?: Uint8Array): void {
    const length = payload === undefined ? 0 : payload.length;
    const copied = length <= COPY_BYTES_MAX;
    if (this.#batch !== undefined && this.#at + HEADER_BYTES + (copied ? length : 0) > BATCH_BYTES) this.#handOver();
    this.#batch ??= this.#pool.acquire();
    const { view, bytes } = this.#batch;
    const at = this.#at;
    view.setUint32(at, length, true);
    view.setUint8(at + 4, type);
    view.setUint8(at + 5, flags);
    view.setUint16(at + 6, aux, true);
    view.setUint32(at + 8, stream, true);
    view.setUint32(at + 12, deadline, true);
    this.#at = at + HEADER_BYTES;
    if (payload !== undefined && length > 0) {
      if (copied) {
        bytes.set(payload, this.#at);
        this.#at += length;
      } else {
        this.#socket.cork();
        this.#handOver();
        this.#socket.write(payload);
        this.#socket.uncork();
      }
    }
    if (this.#at >= FLUSH_BYTES) this.#handOver();
    else if (!this.#scheduled && this.#at > 0) this.#schedule();
  }

  /**
   * Writes a whole message, in chunks if it is long. The first chunk leaves in turn, even if the socket is full: it may
   * open a stream, and streams open in the order of their numbers. `onSent` runs once the last chunk was given to the socket; returns
   * true if that has happened already.
   */
  message(
    type: FrameType,
    flags: number,
    aux: number,
    stream: number,
    deadline: number,
    blocks: Buffer | undefined,
    bytes: Uint8Array,
    onSent?: () => void,
  ): boolean {
    if (bytes.length <= CHUNK_BYTES) {
      this.frame(type, flags, aux, stream, deadline, blocks === undefined ? bytes : Buffer.concat([blocks, bytes]));
      return true;
    }
    this.#longBytes += bytes.length;
    const message: LongMessage = { type, flags, aux, stream, deadline, blocks, bytes, onSent, at: 0 };
    this.#chunk(message);
    this.#pump();
    return message.at === bytes.length;
  }

  /** Forgets what is left of a long message. True if there was one, so that the peer has seen only part of it. */
  abandon(stream: number): boolean {
    const index = this.#long.findIndex((message) => message.stream === stream);
    const [message] = index < 0 ? [] : this.#long.splice(index, 1);
    if (message === undefined) return false;
    this.#longBytes -= message.bytes.length - message.at;
    return true;
  }

  /** Hands everything written so far to the socket. */
  flush(): void {
    if (this.#at > 0) this.#handOver();
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #handOver(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const length = this.#at;
    this.#batch = undefined;
    this.#at = 0;
    this.flushes += 1;
    this.#socket.write(batch.bytes.subarray(0, length), () => this.#pool.release(batch));
  }

  #pump(): void {
    while (!this.#socket.destroyed && this.#socket.writableLength < SOCKET_BYTES_HIGH) {
      const message = this.#long.shift();
      if (message === undefined) return;
      this.#chunk(message);
    }
  }

  /** Writes the next chunk; what is left of the message goes to the end of the queue. */
  #chunk(message: LongMessage): void {
    const first = message.at === 0;
    const end = Math.min(message.bytes.length, message.at + CHUNK_BYTES);
    const last = end === message.bytes.length;
    const blocks = first ? message.blocks : undefined;
    const chunk = message.bytes.subarray(message.at, end);
    this.#longBytes -= chunk.length;
    message.at = end;
    this.frame(
      first ? message.type : FrameType.data,
      (last ? message.flags & ENDS : 0) | (first ? message.flags & BLOCKS : 0),
      first ? message.aux : 0,
      message.stream,
      first ? message.deadline : 0,
      blocks === undefined ? chunk : Buffer.concat([blocks, chunk]),
    );
    if (last) message.onSent?.();
    else this.#long.push(message);
  }
}
