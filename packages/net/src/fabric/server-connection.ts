import type { Socket } from 'node:net';
import type { MethodImplSpec } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { asConnectError } from '../connect-error.ts';
import type { Limits } from '../limits.ts';
import { CallContext } from './call-context.ts';
import { encodeErrorBody } from './error-body.ts';
import { Flag, FrameType, METHODS_MAX, malformed, STREAM_ID_MAX } from './frame.ts';
import type { BatchPool } from './frame-writer.ts';
import { headerBlockBytes } from './header-block.ts';
import { Link, type LinkRole } from './link.ts';
import { decodeRequest, encodeMessage } from './message-codec.ts';
import { Assembler } from './message-stream.ts';
import type { Preface } from './preface.ts';
import { type DirectHost, type DirectMethod, ServedCall } from './served-call.ts';
import { ServerStream } from './server-stream.ts';

/** What the connections of one listener share. */
export interface ServerShared {
  readonly methods: ReadonlyMap<string, MethodImplSpec>;
  /** By the same names. */
  readonly direct: ReadonlyMap<string, DirectMethod>;
  readonly limits: Limits;
  readonly pool: BatchPool;
  readonly onError: (error: unknown, method: string) => void;
  inFlight: number;
}

type UnarySpec = Extract<MethodImplSpec, { kind: 'unary' }>;

/** A unary call whose request has not arrived whole. */
interface PartialCall {
  readonly spec: UnarySpec;
  readonly context: CallContext;
  readonly request: Assembler;
}

/** The server's end of one connection: turns frames into calls of handlers, and what they give into frames. */
export class ServerConnection implements LinkRole, DirectHost {
  readonly side = 'server';
  readonly link: Link;
  readonly #shared: ServerShared;
  readonly #methods: (MethodImplSpec | undefined)[] = [];
  /** By the same numbers. */
  readonly #direct: (DirectMethod | undefined)[] = [];
  readonly #partial = new Map<number, PartialCall>();
  readonly #running = new Map<number, CallContext>();
  readonly #streams = new Map<number, ServerStream>();
  readonly #onClosed: (connection: ServerConnection) => void;
  #peer: Preface | undefined;
  #lastStream = 0;
  #bufferedBytes = 0;
  #directInFlight = 0;
  #draining = false;
  readonly #prefaceTimer: NodeJS.Timeout;

  constructor(socket: Socket, shared: ServerShared, onClosed: (connection: ServerConnection) => void) {
    this.#shared = shared;
    this.#onClosed = onClosed;
    this.link = new Link(socket, shared.pool, shared.limits, this);
    this.#prefaceTimer = setTimeout(() => {
      this.link.refuse(new StoreError('PROTOCOL_MISMATCH', { message: 'no fabric preface came in time' }));
    }, shared.limits.headersTimeoutMs);
  }

  get inFlight(): number {
    return this.#directInFlight + this.#running.size + this.#streams.size + this.#partial.size;
  }

  /** Refuses new calls; the connection ends when those in flight are answered. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    if (this.#peer === undefined) return this.link.close(shuttingDown());
    this.link.goaway(this.#lastStream);
    this.#endIfDrained();
  }

  /** Closes a connection beyond the limit before it said anything. */
  refuseUnheard(error: StoreError): void {
    this.link.sendPreface(0);
    this.link.refuse(error);
  }

  onPreface(peer: Preface): void {
    clearTimeout(this.#prefaceTimer);
    this.#peer = peer;
    this.link.sendPreface(this.#shared.limits.inFlightPerConnectionMax);
  }

  onClosed(error: StoreError): void {
    clearTimeout(this.#prefaceTimer);
    const reason = new DOMException(`the caller is gone: ${error.message}`, 'AbortError');
    this.#shared.inFlight -= this.#partial.size;
    this.#partial.clear();
    for (const context of this.#running.values()) context.end(reason);
    for (const stream of this.#streams.values()) stream.abort(reason);
    this.#onClosed(this);
  }

  onFrame(type: FrameType, flags: number, aux: number, stream: number, deadline: number, payload: Buffer): void {
    switch (type) {
      case FrameType.open:
        return this.#onOpen(flags, aux, stream, deadline, payload);
      case FrameType.data:
        return this.#onData(flags, stream, payload);
      case FrameType.method:
        return this.#onMethod(aux, payload);
      case FrameType.cancel:
        return this.#onCancel(stream);
      case FrameType.window:
        if (stream > this.#lastStream) throw malformed(`window for stream ${stream}, which was never opened`);
        return this.#streams.get(stream)?.grant(deadline);
      case FrameType.goaway:
        return this.drain();
      default:
        throw malformed(`a client sends no frame of type ${type}`);
    }
  }

  #onMethod(id: number, payload: Buffer): void {
    if (id !== this.#methods.length || id >= METHODS_MAX) throw malformed(`method id ${id} is out of turn`);
    const name = payload.toString('utf8');
    this.#methods.push(this.#shared.methods.get(name));
    this.#direct.push(this.#shared.direct.get(name));
  }

  #onOpen(flags: number, id: number, stream: number, deadlineMs: number, payload: Buffer): void {
    if (stream <= this.#lastStream || stream > STREAM_ID_MAX) throw malformed(`stream ${stream} is out of turn`);
    if (id >= this.#methods.length) throw malformed(`method id ${id} was never named`);
    if ((flags & Flag.trailers) !== 0) throw malformed('a client sends no trailers');
    this.#lastStream = stream;
    const blockEnd = (flags & Flag.headers) === 0 ? 0 : headerBlockBytes(payload, this.#shared.limits.headerBytesMax);
    const body = blockEnd === 0 ? payload : payload.subarray(blockEnd);
    const refusal = this.#refusal(id);
    if (refusal !== undefined) return this.#sendError(stream, refusal);
    const direct = this.#direct[id];
    const whole = (flags & Flag.endMessage) !== 0;
    if (direct !== undefined && whole && blockEnd === 0) {
      this.#directInFlight += 1;
      this.#shared.inFlight += 1;
      const call = new ServedCall(this, stream, deadlineMs);
      if (direct(body, call)) return;
      call.leave();
    }
    const spec = this.#methods[id] as MethodImplSpec;
    const context = new CallContext(
      spec.method,
      stream,
      deadlineMs,
      blockEnd === 0 ? undefined : payload.subarray(0, blockEnd),
    );
    if (spec.kind !== 'unary') return this.#openStream(spec, context, flags, body);
    if (whole) return this.#runUnary(spec, context, body);
    if ((flags & Flag.endStream) !== 0) throw malformed('a stream ended inside a message');
    const call = { spec, context, request: new Assembler() };
    this.#partial.set(stream, call);
    this.#shared.inFlight += 1;
    this.#onPart(call, stream, flags, body);
  }

  /** Why a call may not start now, if it may not. */
  #refusal(id: number): StoreError | undefined {
    const { limits, inFlight } = this.#shared;
    if (this.#methods[id] === undefined) {
      return new StoreError('UNIMPLEMENTED', { message: 'this node does not serve the method' });
    }
    if (this.#draining) return shuttingDown();
    if (inFlight >= limits.inFlightMax || this.inFlight >= limits.inFlightPerConnectionMax) {
      return new StoreError('OVERLOADED', { message: 'too many calls are in flight', retryAfterMs: 50 });
    }
    if (this.link.writer.bufferedBytes > limits.bufferedBytesMax) {
      return new StoreError('OVERLOADED', { message: 'the caller does not read its answers', retryAfterMs: 50 });
    }
    return undefined;
  }

  #onData(flags: number, stream: number, payload: Buffer): void {
    if (stream > this.#lastStream) throw malformed(`data for stream ${stream}, which was never opened`);
    if ((flags & (Flag.headers | Flag.trailers)) !== 0) throw malformed('a client sends headers with the open frame');
    const partial = this.#partial.get(stream);
    if (partial !== undefined) return this.#onPart(partial, stream, flags, payload);
    this.#streams.get(stream)?.onData(flags, payload);
  }

  #onPart(call: PartialCall, stream: number, flags: number, part: Buffer): void {
    const before = call.request.bytes;
    const ends = (flags & Flag.endMessage) !== 0;
    if (!ends && (flags & Flag.endStream) !== 0) throw malformed('a stream ended inside a message');
    const refusal = this.reserve(before, part.length);
    if (refusal !== undefined) {
      this.release(before);
      this.#forget(stream);
      return this.#sendError(stream, refusal);
    }
    const bytes = call.request.add(part, ends);
    if (bytes === undefined) return;
    this.release(before + part.length);
    this.#forget(stream);
    this.#runUnary(call.spec, call.context, bytes);
  }

  /** Counts a part of an unfinished message; an error if the message or the connection holds too much. */
  reserve(before: number, bytes: number): StoreError | undefined {
    const { messageBytesMax, bufferedBytesMax } = this.#shared.limits;
    if (before + bytes > messageBytesMax) {
      return new StoreError('MESSAGE_TOO_LARGE', { message: `the message is larger than ${messageBytesMax} bytes` });
    }
    if (this.#bufferedBytes + bytes > bufferedBytesMax) {
      return new StoreError('OVERLOADED', { message: 'too many unfinished messages', retryAfterMs: 50 });
    }
    this.#bufferedBytes += bytes;
    return undefined;
  }

  release(bytes: number): void {
    this.#bufferedBytes -= bytes;
  }

  #forget(stream: number): void {
    if (this.#partial.delete(stream)) this.#shared.inFlight -= 1;
  }

  #onCancel(stream: number): void {
    if (stream > this.#lastStream) throw malformed(`cancel of stream ${stream}, which was never opened`);
    const partial = this.#partial.get(stream);
    if (partial !== undefined) {
      this.release(partial.request.bytes);
      this.#forget(stream);
      return;
    }
    const reason = new DOMException('the caller cancelled the call', 'AbortError');
    this.#running.get(stream)?.end(reason);
    this.#streams.get(stream)?.abort(reason);
    if (this.link.writer.abandon(stream)) this.#sendError(stream, new StoreError('DEADLINE_EXCEEDED'));
  }

  #openStream(spec: Exclude<MethodImplSpec, UnarySpec>, context: CallContext, flags: number, body: Buffer): void {
    const stream = new ServerStream(
      spec,
      context,
      this,
      (this.#peer as Preface).streamWindowBytes,
      this.#shared.limits,
    );
    this.#streams.set(context.stream, stream);
    this.#shared.inFlight += 1;
    void stream.run().then((error) => {
      this.#streams.delete(context.stream);
      this.#shared.inFlight -= 1;
      if (error !== undefined) this.#fail(context, error);
      context.end(CALL_OVER);
      this.#endIfDrained();
    });
    stream.onData(flags, body);
  }

  /** One call less in flight. False if nobody waits for its answer any more. */
  endDirect(): boolean {
    this.#directInFlight -= 1;
    this.#shared.inFlight -= 1;
    return !this.link.closed;
  }

  sendDirect(stream: number, message: Uint8Array): void {
    const refusal = this.#refusalOf(message.length);
    const flags = Flag.endMessage | Flag.endStream;
    if (refusal !== undefined) this.#sendError(stream, refusal);
    else this.link.writer.message(FrameType.data, flags, 0, stream, 0, undefined, message);
    this.#endIfDrained();
  }

  failDirect(stream: number, error: unknown): void {
    if (!StoreError.is(error)) this.#shared.onError(error, 'a direct method');
    this.#sendError(stream, error);
    this.#endIfDrained();
  }

  #runUnary(spec: UnarySpec, context: CallContext, bytes: Buffer): void {
    let result: ReturnType<UnarySpec['impl']>;
    try {
      result = spec.impl(decodeRequest(spec, bytes), context);
    } catch (error) {
      return this.#fail(context, error);
    }
    if (!(result instanceof Promise)) {
      this.#answer(spec, context, result);
      return context.end(CALL_OVER);
    }
    this.#running.set(context.stream, context);
    this.#shared.inFlight += 1;
    result.then(
      (message) => {
        this.#answer(spec, context, message);
        this.#finish(context);
      },
      (error: unknown) => {
        this.#fail(context, error);
        this.#finish(context);
      },
    );
  }

  #finish(context: CallContext): void {
    this.#running.delete(context.stream);
    this.#shared.inFlight -= 1;
    context.end(CALL_OVER);
    this.#endIfDrained();
  }

  #answer(spec: UnarySpec, context: CallContext, message: Awaited<ReturnType<UnarySpec['impl']>>): void {
    if (context.ended) return;
    try {
      this.sendMessage(context, encodeMessage(spec.method.output, message), context.headerBlock(), true);
    } catch (error) {
      this.#fail(context, error);
    }
  }

  /** Sends one answer; true if it has left for the socket, else `onSent` will say. */
  sendMessage(
    context: CallContext,
    bytes: Uint8Array,
    headers: Buffer | undefined,
    last: boolean,
    onSent?: () => void,
  ): boolean {
    const refusal = this.#refusalOf(bytes.length);
    if (refusal !== undefined) throw refusal;
    const trailers = last ? context.trailerBlock() : undefined;
    return this.link.writer.message(
      FrameType.data,
      Flag.endMessage |
        (last ? Flag.endStream : 0) |
        (headers === undefined ? 0 : Flag.headers) |
        (trailers === undefined ? 0 : Flag.trailers),
      0,
      context.stream,
      0,
      joined(headers, trailers),
      bytes,
      onSent,
    );
  }

  /** Why an answer of so many bytes cannot be sent, if it cannot. */
  #refusalOf(bytes: number): StoreError | undefined {
    const { messageBytesMax, bufferedBytesMax } = this.#shared.limits;
    const max = Math.min(messageBytesMax, (this.#peer as Preface).messageBytesMax);
    if (bytes > max) {
      const message = `the answer of ${bytes} bytes is larger than the ${max} the caller accepts`;
      return new StoreError('MESSAGE_TOO_LARGE', { effect: 'unknown', message });
    }
    if (this.link.writer.bufferedBytes + bytes > 2 * bufferedBytesMax) {
      return new StoreError('OVERLOADED', { effect: 'unknown', message: 'the caller does not read its answers' });
    }
    return undefined;
  }

  /** Ends a stream of answers. */
  sendEnd(context: CallContext, headers: Buffer | undefined): void {
    const trailers = context.trailerBlock();
    const flags =
      Flag.endStream | (headers === undefined ? 0 : Flag.headers) | (trailers === undefined ? 0 : Flag.trailers);
    this.link.writer.frame(FrameType.data, flags, 0, context.stream, 0, joined(headers, trailers));
  }

  sendWindow(stream: number, bytes: number): void {
    if (!this.link.closed) this.link.writer.frame(FrameType.window, 0, 0, stream, bytes);
  }

  #fail(context: CallContext, error: unknown): void {
    if (!StoreError.is(error) && !context.ended) this.#shared.onError(error, context.url);
    if (context.ended) return;
    this.link.writer.abandon(context.stream);
    this.#sendError(context.stream, error);
    context.end(error);
  }

  #sendError(stream: number, error: unknown): void {
    const wire = asConnectError(error);
    this.link.writer.frame(FrameType.error, Flag.endStream, wire.code, stream, 0, encodeErrorBody(wire));
  }

  #endIfDrained(): void {
    if (!this.#draining || this.inFlight > 0 || this.link.closed) return;
    if (this.link.writer.bufferedBytes === 0) return this.link.close(shuttingDown());
    setTimeout(() => this.#endIfDrained(), 10);
  }
}

const CALL_OVER = new DOMException('the call is over', 'AbortError');

function shuttingDown(): StoreError {
  return new StoreError('SHUTTING_DOWN');
}

function joined(headers: Buffer | undefined, trailers: Buffer | undefined): Buffer | undefined {
  return headers !== undefined && trailers !== undefined ? Buffer.concat([headers, trailers]) : (headers ?? trailers);
}
