import type { Socket } from 'node:net';
import type { DescMethod } from '@bufbuild/protobuf';
import { StoreError } from '@ferrite/errors';
import { fromConnectError } from '../connect-error.ts';
import type { Limits } from '../limits.ts';
import { methodName } from '../routes.ts';
import type { Fate } from './call-error.ts';
import { decodeErrorBody } from './error-body.ts';
import { Flag, FrameType, METHODS_MAX, malformed, STREAM_ID_MAX } from './frame.ts';
import type { BatchPool } from './frame-writer.ts';
import { decodeHeaderBlock, headerBlockBytes } from './header-block.ts';
import { Link, type LinkRole } from './link.ts';
import type { Preface } from './preface.ts';

/** One call as its connection sees it. */
export interface ClientCall {
  /** Monotonic milliseconds; Infinity for none. */
  readonly deadlineAt: number;
  /** Ends the call from this side. */
  giveUp(reason: unknown): void;
  /** Writes the first frame. */
  start(connection: ClientConnection, stream: number): void;
  onHeaders(headers: Headers, trailers: boolean): void;
  onData(flags: number, payload: Buffer): void;
  onWindow(bytes: number): void;
  fail(error: unknown, fate: Fate): void;
  /** The number of flushes when the last byte of the request was written; Infinity before that. */
  readonly flushMark: number;
}

/** What a connection tells its transport. */
export interface ClientConnectionEvents {
  onReady(connection: ClientConnection): void;
  /** The connection takes no new calls; those on it may still finish. */
  onDraining(connection: ClientConnection): void;
  onClosed(connection: ClientConnection, error: StoreError): void;
}

/** The client's end of one connection. */
export class ClientConnection implements LinkRole {
  readonly side = 'client';
  readonly link: Link;
  readonly limits: Limits;
  readonly calls = new Map<number, ClientCall>();
  readonly #methods = new Map<DescMethod, number>();
  readonly #events: ClientConnectionEvents;
  #peer: Preface | undefined;
  #nextStream = 1;
  #draining = false;

  constructor(socket: Socket, pool: BatchPool, limits: Limits, events: ClientConnectionEvents) {
    this.#events = events;
    this.limits = limits;
    this.link = new Link(socket, pool, limits, this);
    this.link.sendPreface(0);
  }

  /** What the server announced; known once the connection is ready. */
  get peer(): Preface {
    return this.#peer as Preface;
  }

  /** Starts a call, or fails it with effect none if this connection has no room for it. */
  start(call: ClientCall): void {
    if (this.calls.size >= this.peer.inFlightMax) {
      return call.fail(new StoreError('OVERLOADED', { message: 'too many calls on this connection' }), 'unsent');
    }
    if (this.link.writer.bufferedBytes > this.limits.bufferedBytesMax) {
      return call.fail(new StoreError('OVERLOADED', { message: 'the peer does not read fast enough' }), 'unsent');
    }
    const stream = this.#nextStream++;
    this.calls.set(stream, call);
    call.start(this, stream);
    if (this.#nextStream > STREAM_ID_MAX) this.#drain();
  }

  /** The connection's number for a method, named to the server at its first use. */
  methodId(method: DescMethod): number {
    const known = this.#methods.get(method);
    if (known !== undefined) return known;
    const id = this.#methods.size;
    if (id >= METHODS_MAX) throw new RangeError(`a connection names at most ${METHODS_MAX} methods`);
    this.#methods.set(method, id);
    this.link.writer.frame(FrameType.method, 0, id, 0, 0, Buffer.from(methodName(method)));
    return id;
  }

  /** The call has had its answer. */
  finish(stream: number): void {
    if (this.calls.delete(stream) && this.#draining) this.#closeIfDrained();
  }

  /** Gives a call up and says so to the server; tells whether that may have the whole request. */
  cancel(stream: number): Fate {
    const call = this.calls.get(stream);
    if (call === undefined) return 'sent';
    this.link.writer.abandon(stream);
    if (!this.link.closed) this.link.writer.frame(FrameType.cancel, 0, 0, stream, 0);
    this.finish(stream);
    return call.flushMark === Number.POSITIVE_INFINITY ? 'unsent' : 'sent';
  }

  /** Takes no new calls and closes after those in flight. */
  close(): void {
    this.#draining = true;
    if (this.#peer === undefined) return this.link.close(new StoreError('SHUTTING_DOWN'));
    this.#closeIfDrained();
  }

  onPreface(peer: Preface): void {
    this.#peer = peer;
    if (peer.inFlightMax > 0) this.#events.onReady(this);
  }

  onClosed(error: StoreError): void {
    const flushes = this.link.writer.flushes;
    for (const [stream, call] of this.calls) {
      const unfinished = this.link.writer.abandon(stream);
      call.fail(error, !unfinished && call.flushMark < flushes ? 'sent' : 'unsent');
    }
    this.calls.clear();
    this.#events.onClosed(this, error);
  }

  onFrame(type: FrameType, flags: number, aux: number, stream: number, deadline: number, payload: Buffer): void {
    if (type === FrameType.goaway) return this.#onGoaway(aux, stream, payload);
    if (stream === 0 || stream >= this.#nextStream) throw malformed(`stream ${stream} was never opened`);
    const call = this.calls.get(stream);
    if (call === undefined) return;
    switch (type) {
      case FrameType.data:
        return call.onData(flags, this.#takeBlocks(call, flags, payload));
      case FrameType.error: {
        const error = fromConnectError(decodeErrorBody(aux, this.#takeBlocks(call, flags, payload)));
        this.finish(stream);
        return call.fail(error, 'answered');
      }
      case FrameType.window:
        return call.onWindow(deadline);
      default:
        throw malformed(`a server sends no frame of type ${type}`);
    }
  }

  #takeBlocks(call: ClientCall, flags: number, payload: Buffer): Buffer {
    let body = payload;
    for (const flag of [Flag.headers, Flag.trailers]) {
      if ((flags & flag) === 0) continue;
      const end = headerBlockBytes(body, this.limits.headerBytesMax);
      call.onHeaders(decodeHeaderBlock(body.subarray(0, end)), flag === Flag.trailers);
      body = body.subarray(end);
    }
    return body;
  }

  #onGoaway(code: number, lastStream: number, payload: Buffer): void {
    if (code !== 0) return this.link.close(fromConnectError(decodeErrorBody(code, payload)));
    this.#drain();
    for (const [stream, call] of this.calls) {
      if (stream <= lastStream) continue;
      this.calls.delete(stream);
      call.fail(new StoreError('SHUTTING_DOWN'), 'unsent');
    }
    this.#closeIfDrained();
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#events.onDraining(this);
  }

  #closeIfDrained(): void {
    if (this.#draining && this.calls.size === 0) this.link.close(new StoreError('SHUTTING_DOWN'));
  }
}
