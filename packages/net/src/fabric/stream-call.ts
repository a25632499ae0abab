import type { DescMessage, DescMethodStreaming, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { StreamResponse } from '@connectrpc/connect';
import { deadlineAt, deadlineField } from '../deadline.ts';
import { callError, type Fate, requestError, tooLarge } from './call-error.ts';
import type { ClientCall, ClientConnection } from './client-connection.ts';
import { Flag, FrameType, malformed } from './frame.ts';
import { encodeHeaderBlock, type HeaderInput } from './header-block.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { Assembler, Credit, Inbound } from './message-stream.ts';

export interface StreamCallInit<I extends DescMessage, O extends DescMessage> {
  readonly method: DescMethodStreaming<I, O>;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeaderInput | undefined;
  readonly input: AsyncIterable<MessageInitShape<I>>;
}

/** One streaming call of a client. Settles `opened` with the first answer, the end of the answers, or a failure. */
export class StreamCall<I extends DescMessage, O extends DescMessage> implements ClientCall, StreamResponse<I, O> {
  readonly stream = true;
  readonly deadlineAt: number;
  readonly method: DescMethodStreaming<I, O>;
  readonly service: DescService;
  readonly message: AsyncIterable<MessageShape<O>>;
  readonly opened: Promise<StreamResponse<I, O>>;
  readonly #init: StreamCallInit<I, O>;
  readonly #answer = new Assembler();
  readonly #inbound: Inbound<MessageShape<O>>;
  readonly #open: PromiseWithResolvers<StreamResponse<I, O>>;
  #connection: ClientConnection | undefined;
  #credit: Credit | undefined;
  #stream = 0;
  #over = false;
  header: Headers = new Headers();
  trailer: Headers = new Headers();
  flushMark: number = Number.POSITIVE_INFINITY;

  constructor(init: StreamCallInit<I, O>, windowBytes: number) {
    this.#init = init;
    this.method = init.method;
    this.service = init.method.parent;
    this.deadlineAt = deadlineAt(init.timeoutMs);
    this.#open = Promise.withResolvers();
    this.opened = this.#open.promise;
    // A caller may look at the failure later, or only through the messages.
    this.opened.catch(() => {});
    this.#inbound = new Inbound(windowBytes, {
      onConsumed: (bytes) => this.#grant(bytes),
      onReturn: () => this.giveUp(new DOMException('the reader stopped', 'AbortError')),
    });
    this.message = this.#inbound;
    init.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  start(connection: ClientConnection, stream: number): void {
    if (this.#over) return connection.finish(stream);
    this.#connection = connection;
    this.#stream = stream;
    this.#credit = new Credit(connection.peer.streamWindowBytes);
    try {
      const id = connection.methodId(this.method);
      const { header } = this.#init;
      const block = header === undefined ? undefined : encodeHeaderBlock(new Headers(header));
      const { writer } = connection.link;
      const flags = block === undefined ? 0 : Flag.headers;
      writer.frame(FrameType.open, flags, id, stream, deadlineField(this.deadlineAt), block);
      this.flushMark = writer.flushes;
    } catch (error) {
      connection.finish(stream);
      return this.fail(requestError(this.method, error), 'unsent');
    }
    void this.#sendAll(connection, this.#credit);
  }

  async #sendAll(connection: ClientConnection, credit: Credit): Promise<void> {
    const { writer } = connection.link;
    const max = Math.min(connection.peer.messageBytesMax, connection.limits.messageBytesMax);
    try {
      for await (const input of this.#init.input) {
        if (this.#over) return;
        const bytes = encodeMessage(this.method.input, input);
        if (bytes.length > max) throw tooLarge(bytes.length, max);
        await credit.available();
        if (this.#over) return;
        credit.spend(bytes.length);
        await new Promise<void>((resolve) => {
          const { data } = FrameType;
          if (writer.message(data, Flag.endMessage, 0, this.#stream, 0, undefined, bytes, resolve)) resolve();
          else this.#unblock = resolve;
        });
        if (this.#over) return;
      }
      if (!this.#over) writer.frame(FrameType.data, Flag.endStream, 0, this.#stream, 0);
    } catch (error) {
      this.giveUp(requestError(this.method, error));
    }
  }

  #unblock: (() => void) | undefined;

  #grant(bytes: number): void {
    if (!this.#over) this.#connection?.link.writer.frame(FrameType.window, 0, 0, this.#stream, bytes);
  }

  onHeaders(headers: Headers, trailers: boolean): void {
    if (trailers) this.trailer = headers;
    else this.header = headers;
  }

  onWindow(bytes: number): void {
    this.#credit?.grant(bytes);
  }

  onData(flags: number, part: Buffer): void {
    const connection = this.#connection as ClientConnection;
    const ends = (flags & Flag.endMessage) !== 0;
    const size = this.#answer.bytes + part.length;
    if (size > connection.limits.messageBytesMax) {
      return this.giveUp(tooLarge(size, connection.limits.messageBytesMax));
    }
    const bytes = ends || part.length > 0 ? this.#answer.add(part, ends) : undefined;
    if (bytes !== undefined) {
      let message: MessageShape<O>;
      try {
        message = decodeMessage(this.method.output, bytes);
      } catch {
        return this.giveUp(malformed(`an answer is no valid ${this.method.output.typeName}`));
      }
      this.#inbound.push(message, bytes.length);
      this.#open.resolve(this);
    }
    if ((flags & Flag.endStream) === 0) return;
    if (this.#answer.bytes > 0) throw malformed('the answers ended inside a message');
    connection.finish(this.#stream);
    this.#end();
    this.#inbound.end();
    this.#open.resolve(this);
  }

  fail(error: unknown, fate: Fate): void {
    if (this.#over) return;
    this.#end();
    const judged = callError(this.method, error, fate);
    this.#inbound.end(judged);
    this.#open.reject(judged);
  }

  giveUp(reason: unknown): void {
    if (this.#over) return;
    this.fail(reason, this.#connection?.cancel(this.#stream) ?? 'unsent');
  }

  #end(): void {
    this.#over = true;
    this.#init.signal?.removeEventListener('abort', this.#onAbort);
    this.#credit?.close();
    this.#unblock?.();
  }

  readonly #onAbort = (): void => this.giveUp(this.#init.signal?.reason);
}
