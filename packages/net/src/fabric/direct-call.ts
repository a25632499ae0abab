import type { DescMethodUnary } from '@bufbuild/protobuf';
import { StoreError } from '@ferrite/errors';
import { deadlineAt, deadlineField } from '../deadline.ts';
import { callError, type Fate, requestError, tooLarge } from './call-error.ts';
import type { ClientCall, ClientConnection } from './client-connection.ts';
import { Flag, FrameType, malformed } from './frame.ts';
import { Assembler } from './message-stream.ts';

/** What a {@link DirectUnaryCall} came to; the message is a view of the receive buffer. */
export type DirectAnswer = (failed: unknown, message: Buffer | undefined) => void;

/** A unary call in wire form, with a callback for a promise. */
export class DirectUnaryCall implements ClientCall {
  readonly deadlineAt: number;
  readonly #method: DescMethodUnary;
  readonly #encode: () => Uint8Array;
  readonly #then: DirectAnswer;
  #connection: ClientConnection | undefined;
  #stream = 0;
  #settled = false;
  #answer: Assembler | undefined;
  flushMark: number = Number.POSITIVE_INFINITY;

  constructor(method: DescMethodUnary, encode: () => Uint8Array, timeoutMs: number, then: DirectAnswer) {
    this.#method = method;
    this.#encode = encode;
    this.#then = then;
    this.deadlineAt = deadlineAt(timeoutMs);
  }

  start(connection: ClientConnection, stream: number): void {
    if (this.#settled) return connection.finish(stream);
    this.#connection = connection;
    this.#stream = stream;
    try {
      const id = connection.methodId(this.#method);
      const bytes = this.#encode();
      const max = Math.min(connection.peer.messageBytesMax, connection.limits.messageBytesMax);
      if (bytes.length > max) throw tooLarge(bytes.length, max);
      const { writer } = connection.link;
      const onSent = (): void => {
        this.flushMark = writer.flushes;
      };
      const flags = Flag.endMessage | Flag.endStream;
      const deadline = deadlineField(this.deadlineAt);
      if (writer.message(FrameType.open, flags, id, stream, deadline, undefined, bytes, onSent)) onSent();
    } catch (error) {
      connection.finish(stream);
      this.fail(requestError(this.#method, error), 'unsent');
    }
  }

  onHeaders(): void {}

  onWindow(): void {}

  onData(flags: number, payload: Buffer): void {
    const connection = this.#connection as ClientConnection;
    let message: Buffer | undefined = payload;
    if ((flags & Flag.endMessage) === 0 || this.#answer !== undefined) {
      this.#answer ??= new Assembler();
      const { messageBytesMax } = connection.limits;
      const bytes = this.#answer.bytes + payload.length;
      if (bytes > messageBytesMax) {
        connection.cancel(this.#stream);
        return this.fail(tooLarge(bytes, messageBytesMax), 'sent');
      }
      message = this.#answer.add(payload, (flags & Flag.endMessage) !== 0);
    }
    if (message === undefined) {
      if ((flags & Flag.endStream) !== 0) throw malformed('an answer ended inside its message');
      return;
    }
    connection.finish(this.#stream);
    this.#settled = true;
    this.#then(undefined, message);
  }

  fail(error: unknown, fate: Fate): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#then(callError(this.#method, error, fate), undefined);
  }

  giveUp(reason: unknown): void {
    if (this.#settled) return;
    this.fail(reason, this.#connection?.cancel(this.#stream) ?? 'unsent');
  }
}

/** A message that should have been what `method` answers with. */
export function unreadableAnswer(method: DescMethodUnary, cause?: unknown): StoreError {
  return new StoreError('PROTOCOL_MISMATCH', {
    message: `the answer is no valid ${method.output.typeName}`,
    effect: 'unknown',
    ...(cause !== undefined && { cause }),
  });
}
