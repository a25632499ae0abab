/** One call of a {@link DirectMethod}. It ends with the first {@link answer} or {@link fail}; what comes after is dropped. */
export interface DirectCall {
  /** What the caller gives the call, in milliseconds from its arrival; 0: it does not say. */
  readonly timeoutMs: number;
  /** Answers with a message in its wire form, which is copied or, if it is larger than 8 KiB, kept. */
  answer(message: Uint8Array): void;
  fail(error: unknown): void;
}

/**
 * Answers a unary method from the bytes of its request, ahead of the generic way through decoder, context and promise, which
 * costs a small call most of its time. `false`: it leaves this request to that way. Must not throw.
 */
export type DirectMethod = (request: Buffer, call: DirectCall) => boolean;

/** What a {@link ServedCall} needs of the connection that it came in on. */
export interface DirectHost {
  /** One call less in flight. False if nobody waits for its answer any more. */
  endDirect(): boolean;
  sendDirect(stream: number, message: Uint8Array): void;
  failDirect(stream: number, error: unknown): void;
}

/** A caller that gives its call up is not looked for: the answer is dropped at its end. */
export class ServedCall implements DirectCall {
  readonly timeoutMs: number;
  readonly #host: DirectHost;
  readonly #stream: number;
  #over = false;

  constructor(host: DirectHost, stream: number, timeoutMs: number) {
    this.#host = host;
    this.#stream = stream;
    this.timeoutMs = timeoutMs;
  }

  answer(message: Uint8Array): void {
    if (this.leave()) this.#host.sendDirect(this.#stream, message);
  }

  fail(error: unknown): void {
    if (this.leave()) this.#host.failDirect(this.#stream, error);
  }

  /** Ends the call without an answer of its own. False if it has ended, or its caller is gone. */
  leave(): boolean {
    if (this.#over) return false;
    this.#over = true;
    return this.#host.endDirect();
  }
}
