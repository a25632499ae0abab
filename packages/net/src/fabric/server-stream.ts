import type { Message } from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import type { Limits } from '../limits.ts';
import type { CallContext } from './call-context.ts';
import { Flag, malformed } from './frame.ts';
import { decodeRequest, encodeMessage } from './message-codec.ts';
import { Assembler, Credit, Inbound } from './message-stream.ts';

type StreamSpec = Exclude<MethodImplSpec, { kind: 'unary' }>;

/** What a stream needs of the connection it runs on. */
export interface StreamHost {
  /** Takes note of `bytes` more of an unfinished message that has `before`; the refusal if a limit says no. */
  reserve(before: number, bytes: number): StoreError | undefined;
  release(bytes: number): void;
  sendWindow(stream: number, bytes: number): void;
  /** True if the message is on its way whole; else `onSent` is called when it is. */
  sendMessage(
    context: CallContext,
    bytes: Uint8Array,
    headers: Buffer | undefined,
    last: boolean,
    onSent: () => void,
  ): boolean;
  sendEnd(context: CallContext, headers: Buffer | undefined): void;
}

/** One streaming call at the server. */
export class ServerStream {
  readonly #spec: StreamSpec;
  readonly #context: CallContext;
  readonly #connection: StreamHost;
  readonly #request = new Assembler();
  readonly #inbound: Inbound<Message>;
  readonly #credit: Credit;
  #headersSent = false;
  #halfClosed = false;

  constructor(spec: StreamSpec, context: CallContext, connection: StreamHost, peerWindowBytes: number, limits: Limits) {
    this.#spec = spec;
    this.#context = context;
    this.#connection = connection;
    this.#credit = new Credit(peerWindowBytes);
    this.#inbound = new Inbound(limits.streamWindowBytes, {
      onConsumed: (cost) => connection.sendWindow(context.stream, cost),
      onReturn: () => {},
    });
  }

  onData(flags: number, part: Buffer): void {
    if (this.#halfClosed) throw malformed(`stream ${this.#context.stream} goes on after its end`);
    const ends = (flags & Flag.endMessage) !== 0;
    const before = this.#request.bytes;
    this.#halfClosed = (flags & Flag.endStream) !== 0;
    if (this.#halfClosed && !ends && before + part.length > 0) throw malformed('a stream ended inside a message');
    const refusal = this.#connection.reserve(before, part.length);
    if (refusal !== undefined) return this.abort(refusal);
    const bytes = ends || part.length > 0 ? this.#request.add(part, ends) : undefined;
    if (bytes !== undefined) {
      this.#connection.release(bytes.length);
      this.#pushRequest(bytes);
    }
    if (this.#halfClosed) this.#inbound.end();
  }

  #pushRequest(bytes: Buffer): void {
    let request: Message;
    try {
      request = decodeRequest(this.#spec, bytes);
    } catch (error) {
      return this.#inbound.end(error);
    }
    this.#inbound.push(request, bytes.length);
  }

  grant(bytes: number): void {
    this.#credit.grant(bytes);
  }

  /** Ends the call from outside: a `StoreError` is told to the caller, anything else means that the caller is gone. */
  abort(reason: unknown): void {
    this.#inbound.end(reason);
    this.#failure ??= reason;
    if (!StoreError.is(reason)) this.#context.end(reason);
    this.#credit.close();
    this.#unblock();
    this.#abortRace();
  }

  #failure: unknown;
  #abortRace: () => void = () => {};
  /** Lets a sender go whose message will never leave. */
  #unblock: () => void = () => {};

  /** Runs the handler to its end. Resolves to what it failed with, if it did; never rejects. */
  async run(): Promise<unknown> {
    const { signal } = this.#context;
    const onAbort = (): void => this.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const aborted = new Promise<'aborted'>((resolve) => {
      this.#abortRace = () => resolve('aborted');
    });
    try {
      await Promise.race([this.#respond(), aborted]);
      return this.#failure;
    } catch (error) {
      return this.#failure ?? error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#connection.release(this.#request.bytes);
    }
  }

  async #respond(): Promise<void> {
    const context = this.#context;
    const spec = this.#spec;
    if (spec.kind === 'client_streaming') {
      await this.#send(await spec.impl(this.#inbound, context));
    } else {
      const answers =
        spec.kind === 'bidi_streaming'
          ? spec.impl(this.#inbound, context)
          : spec.impl(await single(this.#inbound), context);
      for await (const answer of answers) {
        if (this.#over) return;
        await this.#send(answer);
        if (this.#over) return;
      }
    }
    if (!this.#over) this.#connection.sendEnd(context, this.#headers());
  }

  get #over(): boolean {
    return this.#context.ended || this.#failure !== undefined;
  }

  async #send(answer: Parameters<typeof encodeMessage>[1]): Promise<void> {
    if (this.#over) return;
    const bytes = encodeMessage(this.#spec.method.output, answer);
    await this.#credit.available();
    if (this.#over) return;
    this.#credit.spend(bytes.length);
    await new Promise<void>((resolve) => {
      this.#unblock = resolve;
      if (this.#connection.sendMessage(this.#context, bytes, this.#headers(), false, resolve)) resolve();
    });
  }

  #headers(): Buffer | undefined {
    if (this.#headersSent) return undefined;
    this.#headersSent = true;
    return this.#context.headerBlock();
  }
}

async function single(requests: AsyncIterable<Message>): Promise<Message> {
  let first: Message | undefined;
  for await (const request of requests) {
    if (first !== undefined) throw new StoreError('ARGUMENT_INVALID', { message: 'the method takes one request' });
    first = request;
  }
  if (first === undefined) throw new StoreError('ARGUMENT_INVALID', { message: 'the request is missing' });
  return first;
}
