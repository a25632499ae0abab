import { malformed } from './frame.ts';

/** What each message costs of a stream's window besides its length, so that empty messages are bounded too. */
export const MESSAGE_COST_BYTES = 16;

/** Joins the parts of messages. One per stream and direction; made only when a message comes in parts. */
export class Assembler {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** Bytes of the unfinished message. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The message, if this part ends it. */
  add(part: Buffer, ends: boolean): Buffer | undefined {
    if (ends && this.#bytes === 0) return part;
    if (part.length > 0) this.#parts.push(part);
    this.#bytes += part.length;
    if (!ends) return undefined;
    const message = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    return message;
  }
}

/** What a reader of {@link Inbound} causes. */
export interface InboundEvents {
  /** The reader took messages worth this many bytes of window. */
  onConsumed(cost: number): void;
  /** The reader stopped before the end. */
  onReturn(): void;
}

/** Messages that have arrived and wait for their one reader, at most a window of them. */
export class Inbound<T> implements AsyncIterable<T> {
  readonly #queue: { readonly message: T; readonly cost: number }[] = [];
  readonly #windowBytes: number;
  readonly #events: InboundEvents;
  #outstanding = 0;
  #consumed = 0;
  #end: { readonly error: unknown } | 'end' | undefined;
  #wake: (() => void) | undefined;

  constructor(windowBytes: number, events: InboundEvents) {
    this.#windowBytes = windowBytes;
    this.#events = events;
  }

  /** Throws `FRAME_MALFORMED` if the sender had no credit left. */
  push(message: T, bytes: number): void {
    if (this.#outstanding >= this.#windowBytes) throw malformed('a stream was sent beyond its window');
    if (this.#end !== undefined) return;
    const cost = bytes + MESSAGE_COST_BYTES;
    this.#outstanding += cost;
    this.#queue.push({ message, cost });
    this.#notify();
  }

  /** No message follows; an error is thrown to the reader after what has arrived. */
  end(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? 'end' : { error };
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let complete = false;
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next !== undefined) {
          this.#take(next.cost);
          yield next.message;
        } else if (this.#end === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else {
          complete = true;
          if (this.#end === 'end') return;
          throw this.#end.error;
        }
      }
    } finally {
      if (!complete) {
        this.end();
        this.#queue.length = 0;
        this.#events.onReturn();
      }
    }
  }

  #take(cost: number): void {
    this.#consumed += cost;
    if (this.#consumed < this.#windowBytes / 2 || this.#end !== undefined) return;
    this.#outstanding -= this.#consumed;
    this.#events.onConsumed(this.#consumed);
    this.#consumed = 0;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** The sender's side of a window: it may overdraw by one message, then waits. */
export class Credit {
  #left: number;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(windowBytes: number) {
    this.#left = windowBytes;
  }

  spend(bytes: number): void {
    this.#left -= bytes + MESSAGE_COST_BYTES;
  }

  grant(bytes: number): void {
    this.#left += bytes;
    if (this.#left > 0) this.#notify();
  }

  /** Lets the waiting sender go; it must find out by itself that the stream is over. */
  close(): void {
    this.#closed = true;
    this.#notify();
  }

  /** Waits until a message may be sent. */
  async available(): Promise<void> {
    while (this.#left <= 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
