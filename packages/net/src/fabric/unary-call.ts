import type { DescMessage, DescMethodUnary, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { UnaryResponse } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { deadlineAt, deadlineField } from '../deadline.ts';
import { callError, type Fate, requestError, tooLarge } from './call-error.ts';
import type { ClientCall, ClientConnection } from './client-connection.ts';
import { Flag, FrameType, malformed } from './frame.ts';
import { encodeHeaderBlock, type HeaderInput } from './header-block.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { Assembler } from './message-stream.ts';

/** The answer to a unary call; headers are made only if somebody asks. */
class FabricResponse<I extends DescMessage, O extends DescMessage> implements UnaryResponse<I, O> {
  readonly stream = false;
  readonly method: DescMethodUnary<I, O>;
  readonly message: MessageShape<O>;
  #header: Headers | undefined;
  #trailer: Headers | undefined;

  constructor(
    method: DescMethodUnary<I, O>,
    message: MessageShape<O>,
    header: Headers | undefined,
    trailer: Headers | undefined,
  ) {
    this.method = method;
    this.message = message;
    this.#header = header;
    this.#trailer = trailer;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get header(): Headers {
    this.#header ??= new Headers();
    return this.#header;
  }

  get trailer(): Headers {
    this.#trailer ??= new Headers();
    return this.#trailer;
  }
}

export interface UnaryCallInit<I extends DescMessage, O extends DescMessage> {
  readonly method: DescMethodUnary<I, O>;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeaderInput | undefined;
  readonly input: MessageInitShape<I>;
}

/** One unary call of a client, from its creation to its answer. */
export class UnaryCall<I extends DescMessage, O extends DescMessage> implements ClientCall {
  readonly deadlineAt: number;
  readonly #init: UnaryCallInit<I, O>;
  readonly #resolve: (response: UnaryResponse<I, O>) => void;
  readonly #reject: (error: unknown) => void;
  #connection: ClientConnection | undefined;
  #stream = 0;
  #settled = false;
  #response: Assembler | undefined;
  #header: Headers | undefined;
  #trailer: Headers | undefined;
  flushMark: number = Number.POSITIVE_INFINITY;

  constructor(
    init: UnaryCallInit<I, O>,
    resolve: (response: UnaryResponse<I, O>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#init = init;
    this.#resolve = resolve;
    this.#reject = reject;
    this.deadlineAt = deadlineAt(init.timeoutMs);
    init.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  start(connection: ClientConnection, stream: number): void {
    if (this.#settled) return connection.finish(stream);
    this.#connection = connection;
    this.#stream = stream;
    const { method, input, header } = this.#init;
    try {
      const id = connection.methodId(method);
      const bytes = encodeMessage(method.input, input);
      const max = Math.min(connection.peer.messageBytesMax, connection.limits.messageBytesMax);
      if (bytes.length > max) throw tooLarge(bytes.length, max);
      const block = header === undefined ? undefined : encodeHeaderBlock(new Headers(header));
      const flags = Flag.endMessage | Flag.endStream | (block === undefined ? 0 : Flag.headers);
      const deadline = deadlineField(this.deadlineAt);
      const { writer } = connection.link;
      const onSent = (): void => {
        this.flushMark = writer.flushes;
      };
      if (writer.message(FrameType.open, flags, id, stream, deadline, block, bytes, onSent)) onSent();
    } catch (error) {
      connection.finish(stream);
      this.fail(requestError(method, error), 'unsent');
    }
  }

  onHeaders(headers: Headers, trailers: boolean): void {
    if (trailers) this.#trailer = headers;
    else this.#header = headers;
  }

  onWindow(): void {}

  onData(flags: number, payload: Buffer): void {
    const connection = this.#connection as ClientConnection;
    const ends = (flags & Flag.endMessage) !== 0;
    if (!ends || this.#response !== undefined) {
      this.#response ??= new Assembler();
      const max = connection.limits.messageBytesMax;
      if (this.#response.bytes + payload.length > max) {
        connection.cancel(this.#stream);
        return this.fail(tooLarge(this.#response.bytes + payload.length, max), 'sent');
      }
    }
    const bytes = this.#response === undefined ? payload : this.#response.add(payload, ends);
    if (bytes === undefined) {
      if ((flags & Flag.endStream) !== 0) throw malformed('an answer ended inside its message');
      return;
    }
    connection.finish(this.#stream);
    const { method } = this.#init;
    let message: MessageShape<O>;
    try {
      message = decodeMessage(method.output, bytes);
    } catch (cause) {
      return this.fail(
        new StoreError('PROTOCOL_MISMATCH', { message: `the answer is no valid ${method.output.typeName}`, cause }),
        'sent',
      );
    }
    this.#settle();
    this.#resolve(new FabricResponse(method, message, this.#header, this.#trailer));
  }

  fail(error: unknown, fate: Fate): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(callError(this.#init.method, error, fate));
  }

  /** Ends the call from this side: its time is over, or nobody wants it any more. */
  giveUp(reason: unknown): void {
    if (this.#settled) return;
    this.fail(reason, this.#connection?.cancel(this.#stream) ?? 'unsent');
  }

  #settle(): void {
    this.#settled = true;
    this.#init.signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.giveUp(this.#init.signal?.reason);
}
