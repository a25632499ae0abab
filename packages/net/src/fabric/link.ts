import type { Socket } from 'node:net';
import { StoreError } from '@ferrite/errors';
import { toConnectError } from '../connect-error.ts';
import type { Limits } from '../limits.ts';
import { encodeErrorBody } from './error-body.ts';
import { FrameDecoder, type FrameSink, FrameType, malformed } from './frame.ts';
import { type BatchPool, FrameWriter } from './frame-writer.ts';
import {
  decodePreface,
  encodePreface,
  looksLikeHttp,
  PREFACE_BYTES,
  type Preface,
  startsPreface,
  VERSION,
  VERSION_MIN,
} from './preface.ts';

/** Outgoing bytes at which a server stops reading from a peer that does not read its answers. */
const BACKLOG_HIGH = 4 * 1024 * 1024;
/** How long a refused peer may still send before the socket is destroyed; a reset would eat our last frame. */
const LINGER_MS = 1000;

/** What a client or server connection adds to a {@link Link}. */
export interface LinkRole extends FrameSink {
  readonly side: 'client' | 'server';
  onPreface(peer: Preface): void;
  /** Called once, whatever ended the connection. */
  onClosed(error: StoreError): void;
}

/** One socket speaking frames: preface, ping, malformed input, back-pressure and the end, the same on both sides. */
export class Link implements FrameSink {
  readonly writer: FrameWriter;
  readonly #socket: Socket;
  readonly #role: LinkRole;
  readonly #limits: Limits;
  readonly #decoder = new FrameDecoder(this);
  /** The peer's preface as far as it has come; undefined once complete. */
  #preface: Buffer | undefined = Buffer.alloc(0);
  #closed = false;
  #paused = false;
  #probed = false;
  #progress = -1;

  constructor(socket: Socket, pool: BatchPool, limits: Limits, role: LinkRole) {
    this.#socket = socket;
    this.#role = role;
    this.#limits = limits;
    this.writer = new FrameWriter(socket, pool);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => this.#onDrain());
    socket.on('error', (cause) => this.close(lost(`the connection broke (${errorCode(cause)})`, cause)));
    socket.on('close', () => this.close(lost('the peer closed the connection')));
    socket.on('end', () => this.close(lost('the peer closed the connection')));
  }

  get closed(): boolean {
    return this.#closed;
  }

  sendPreface(inFlightMax: number): void {
    const { messageBytesMax, streamWindowBytes } = this.#limits;
    this.#socket.write(
      encodePreface({
        version: VERSION,
        versionMin: VERSION_MIN,
        messageBytesMax: Math.min(messageBytesMax, 0xffff_ffff),
        inFlightMax,
        streamWindowBytes,
      }),
    );
  }

  /** Tells the peer why and ends the connection, leaving it a moment to read that. */
  refuse(error: StoreError, lastStream = 0): void {
    if (this.#closed) return;
    this.goaway(lastStream, error);
    this.close(error);
  }

  /** Asks the peer to open no further streams here; with an error, says that none is answered any more. */
  goaway(lastStream: number, error?: StoreError): void {
    const wire = error === undefined ? undefined : toConnectError(error);
    const body = wire === undefined ? undefined : encodeErrorBody(wire);
    this.writer.frame(FrameType.goaway, 0, wire?.code ?? 0, lastStream, 0, body);
  }

  /** Ends the connection after what was written; the role learns `error` once. */
  close(error: StoreError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.writer.flush();
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(timer));
    this.#role.onClosed(error);
  }

  destroy(error: StoreError): void {
    this.close(error);
    this.#socket.destroy();
  }

  /** Called every `keepAliveMs`: probes a silent peer, gives up one that stays silent. */
  tick(): void {
    const socket = this.#socket;
    const progress = this.#paused ? socket.bytesWritten - socket.writableLength : socket.bytesRead;
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#probed = false;
    } else if (this.#probed) {
      this.destroy(lost('the peer stopped answering'));
    } else {
      this.#probed = true;
      this.writer.frame(FrameType.ping, 0, 0, 0, 0, Buffer.alloc(8));
    }
  }

  onFrame(type: FrameType, flags: number, aux: number, stream: number, deadline: number, payload: Buffer): void {
    if (this.#closed) return;
    if (type === FrameType.ping || type === FrameType.pong) {
      if (payload.length !== 8 || stream !== 0) throw malformed('a ping carries 8 bytes on stream 0');
      if (type === FrameType.ping) this.writer.frame(FrameType.pong, 0, 0, 0, 0, payload);
      return;
    }
    this.#role.onFrame(type, flags, aux, stream, deadline, payload);
  }

  #onData(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      const rest = this.#preface === undefined ? chunk : this.#onPrefaceBytes(this.#preface, chunk);
      if (rest !== undefined) this.#decoder.push(rest);
    } catch (error) {
      if (!StoreError.is(error)) throw error;
      this.refuse(error);
      return;
    }
    this.writer.flush();
    if (this.#role.side === 'server' && this.writer.bufferedBytes > BACKLOG_HIGH) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  #onDrain(): void {
    if (!this.#paused || this.writer.bufferedBytes > BACKLOG_HIGH / 2) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** What follows the preface in `chunk`, once it is complete. */
  #onPrefaceBytes(before: Buffer, chunk: Buffer): Buffer | undefined {
    const bytes = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
    if (!startsPreface(bytes)) {
      this.#onForeign(bytes);
      return undefined;
    }
    this.#preface = bytes;
    if (bytes.length < PREFACE_BYTES) return undefined;
    this.#preface = undefined;
    let peer: Preface;
    try {
      peer = decodePreface(bytes);
    } catch (error) {
      if (this.#role.side === 'server') this.sendPreface(0);
      throw error;
    }
    this.#role.onPreface(peer);
    return bytes.length === PREFACE_BYTES ? undefined : bytes.subarray(PREFACE_BYTES);
  }

  #onForeign(bytes: Buffer): void {
    if (this.#role.side === 'client') {
      const what = bytes.toString('latin1', 0, 5) === 'HTTP/' ? 'HTTP' : 'another protocol';
      throw new StoreError('PROTOCOL_MISMATCH', { message: `the port speaks ${what}, not the fabric protocol` });
    }
    const error = new StoreError('PROTOCOL_MISMATCH', {
      message: 'this port speaks the Ferrite fabric protocol, not HTTP, TLS or anything else',
    });
    if (looksLikeHttp(bytes)) {
      const text = `${error.message}\n`;
      this.#socket.write(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${text.length}\r\n` +
          `connection: close\r\n\r\n${text}`,
      );
      this.close(error);
      return;
    }
    this.sendPreface(0);
    this.refuse(error);
  }
}

/** A connection that is no more; the effect on each call is for the caller to judge. */
export function lost(message: string, cause?: unknown): StoreError {
  return new StoreError('FABRIC_UNAVAILABLE', { message, ...(cause === undefined ? {} : { cause }) });
}

export function errorCode(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}
