import { connect } from 'node:net';
import type { DescMessage, DescMethodStreaming, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import type { StreamResponse, Transport, UnaryResponse } from '@connectrpc/connect';
import { type BackoffPolicy, backoffMs, StoreError } from '@ferrite/errors';
import { type Endpoint, formatEndpoint, parseEndpoint, socketOptions } from '../address.ts';
import { DeadlineTimer, monotonicMs } from '../deadline.ts';
import { type Limits, limitsFrom } from '../limits.ts';
import { type ClientCall, ClientConnection } from './client-connection.ts';
import { type DirectAnswer, DirectUnaryCall } from './direct-call.ts';
import { BatchPool } from './frame-writer.ts';
import type { HeaderInput } from './header-block.ts';
import { StreamCall } from './stream-call.ts';
import { UnaryCall } from './unary-call.ts';

export interface FabricTransportOptions {
  /** `host:port` or `unix:/path` of a fabric port. */
  readonly address: string;
  readonly limits?: Partial<Limits>;
  /** Time for connecting and exchanging prefaces, in milliseconds; 2000 by default. */
  readonly connectTimeoutMs?: number;
  /** Pauses between attempts to connect; calls in a pause fail at once. */
  readonly backoff?: BackoffPolicy;
  /** Closes the transport when it fires. */
  readonly signal?: AbortSignal;
  /** A number in [0, 1); replaced by tests. */
  readonly random?: () => number;
}

/** A {@link Transport} over one connection, which is opened by the first call and reopened when it was lost. */
export interface FabricTransport extends Transport, AsyncDisposable {
  readonly address: string;
  /** Calls waiting or in flight. */
  readonly inFlight: number;
  /**
   * A unary call in wire form. `encode` is called when the request is put on the wire, perhaps never; what it gives is
   * borrowed until it returns, or kept if larger than 8 KiB. `then` is called once: from the event loop, or at once if there
   * is no way to the peer.
   */
  call(method: DescMethodUnary, encode: () => Uint8Array, timeoutMs: number, then: DirectAnswer): void;
  /** Refuses new calls and resolves when those in flight are answered, at most `drainTimeoutMs` later. */
  close(): Promise<void>;
}

/**
 * A client of a fabric port, for `createClient(KvService, transport)`. Calls reject with `StoreError`:
 * `FABRIC_UNAVAILABLE` has effect none if the request never left this process, or only reads; `DEADLINE_EXCEEDED`
 * likewise. An abort rejects with the signal's reason. `bytes` fields of answers are views of the receive buffer.
 * Throws `CONFIG_INVALID` for an address that is none.
 */
export function openFabricTransport(options: FabricTransportOptions): FabricTransport {
  return new ReconnectingTransport(options);
}

const DEFAULT_CONNECT_TIMEOUT_MS = 2000;
const RECONNECT_BACKOFF: BackoffPolicy = { baseMs: 20, capMs: 1000 };

class ReconnectingTransport implements FabricTransport {
  readonly address: string;
  readonly #endpoint: Endpoint;
  readonly #limits: Limits;
  readonly #options: FabricTransportOptions;
  readonly #pool = new BatchPool();
  readonly #waiting = new Set<ClientCall>();
  /** All that are not closed: at most one takes calls, others finish theirs. */
  readonly #connections = new Set<ClientConnection>();
  readonly #deadlines = new DeadlineTimer((now) => this.#expire(now));
  readonly #keepAlive: NodeJS.Timeout;
  #ready: ClientConnection | undefined;
  #connecting = false;
  #failures = 0;
  #retryAt = 0;
  #lastError: StoreError | undefined;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: FabricTransportOptions) {
    this.#endpoint = parseEndpoint(options.address);
    this.address = formatEndpoint(this.#endpoint);
    this.#limits = limitsFrom(options.limits);
    this.#options = options;
    this.#keepAlive = setInterval(() => {
      for (const connection of this.#connections) connection.link.tick();
    }, this.#limits.keepAliveMs);
    this.#keepAlive.unref();
    options.signal?.addEventListener('abort', () => void this.close(), { once: true });
  }

  get inFlight(): number {
    let calls = this.#waiting.size;
    for (const connection of this.#connections) calls += connection.calls.size;
    return calls;
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderInput | undefined,
    input: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    return new Promise((resolve, reject) => {
      const call = new UnaryCall({ method, signal, timeoutMs, header, input }, resolve, reject);
      if (signal?.aborted === true) call.giveUp(signal.reason);
      else this.#start(call);
    });
  }

  call(method: DescMethodUnary, encode: () => Uint8Array, timeoutMs: number, then: DirectAnswer): void {
    this.#start(new DirectUnaryCall(method, encode, timeoutMs, then));
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderInput | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
  ): Promise<StreamResponse<I, O>> {
    const call = new StreamCall({ method, signal, timeoutMs, header, input }, this.#limits.streamWindowBytes);
    if (signal?.aborted === true) call.giveUp(signal.reason);
    else this.#start(call);
    return call.opened;
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise;
    this.#closing = Promise.withResolvers<void>();
    clearInterval(this.#keepAlive);
    this.#failWaiting(new StoreError('FABRIC_UNAVAILABLE', { message: 'the transport was closed' }));
    const timer = setTimeout(() => {
      for (const connection of this.#connections)
        connection.link.destroy(this.#unavailable('the transport was closed'));
    }, this.#limits.drainTimeoutMs);
    for (const connection of this.#connections) connection.close();
    this.#settleClosing();
    return this.#closing.promise.finally(() => clearTimeout(timer));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(call: ClientCall): void {
    if (call.deadlineAt !== Number.POSITIVE_INFINITY) this.#deadlines.arm(call.deadlineAt);
    if (this.#ready !== undefined) return this.#ready.start(call);
    if (this.#closing !== undefined) return call.fail(this.#unavailable('the transport was closed'), 'unsent');
    const pause = this.#retryAt - monotonicMs();
    if (!this.#connecting && pause > 0) {
      const error = this.#lastError ?? this.#unavailable('the last attempt to connect failed');
      return call.fail(error, 'unsent');
    }
    if (this.#waiting.size >= this.#limits.inFlightPerConnectionMax) {
      return call.fail(new StoreError('OVERLOADED', { message: 'too many calls wait for the connection' }), 'unsent');
    }
    this.#waiting.add(call);
    if (!this.#connecting) this.#connect();
  }

  #connect(): void {
    this.#connecting = true;
    const socket = connect({ ...socketOptions(this.#endpoint), noDelay: true });
    const connection = new ClientConnection(socket, this.#pool, this.#limits, {
      onReady: () => {
        clearTimeout(timer);
        this.#connecting = false;
        this.#failures = 0;
        this.#ready = connection;
        for (const call of this.#waiting) connection.start(call);
        this.#waiting.clear();
      },
      onDraining: () => {
        if (this.#ready === connection) this.#ready = undefined;
      },
      onClosed: (_, error) => {
        clearTimeout(timer);
        this.#connections.delete(connection);
        if (this.#ready === connection) this.#ready = undefined;
        else if (this.#connecting) this.#onConnectFailed(error);
        this.#settleClosing();
      },
    });
    this.#connections.add(connection);
    const timeoutMs = this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    const timer = setTimeout(
      () => connection.link.destroy(this.#unavailable(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
  }

  #onConnectFailed(cause: StoreError): void {
    this.#connecting = false;
    this.#failures += 1;
    const pause = backoffMs(
      this.#failures,
      this.#options.random ?? Math.random,
      this.#options.backoff ?? RECONNECT_BACKOFF,
    );
    this.#retryAt = monotonicMs() + pause;
    this.#lastError =
      cause.reason === 'FABRIC_UNAVAILABLE' ? this.#unavailable(whatFailed(cause), cause, Math.ceil(pause)) : cause;
    this.#failWaiting(this.#lastError);
  }

  #failWaiting(error: StoreError): void {
    for (const call of this.#waiting) {
      this.#waiting.delete(call);
      call.fail(error, 'unsent');
    }
  }

  #expire(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    const look = (call: ClientCall): void => {
      if (call.deadlineAt <= now) call.giveUp(new StoreError('DEADLINE_EXCEEDED'));
      else next = Math.min(next, call.deadlineAt);
    };
    for (const call of this.#waiting) {
      look(call);
      if (call.deadlineAt <= now) this.#waiting.delete(call);
    }
    for (const connection of this.#connections) for (const call of connection.calls.values()) look(call);
    return next;
  }

  #settleClosing(): void {
    if (this.#closing === undefined || this.#connections.size > 0) return;
    this.#deadlines.stop();
    this.#closing.resolve();
  }

  #unavailable(what: string, cause?: StoreError, retryAfterMs?: number): StoreError {
    return new StoreError('FABRIC_UNAVAILABLE', {
      message: `${this.address}: ${what}`,
      details: { address: this.address },
      ...(cause === undefined ? {} : { cause }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}

/** The system's own words if there are any, for they name the address it really tried. */
function whatFailed(error: StoreError): string {
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : 'the connection was closed';
}
