import type { Transport } from '@connectrpc/connect';
import { type Reason, StoreError } from '@ferrite/errors';
import { fromConnectError, unreadableAnswer } from '@ferrite/net';
import type { Dial, Line } from './dial.ts';
import type { DirectRequest } from './dispatch.ts';
import { FABRIC_REST_MS, NODE_REST_MS } from './limits.ts';

/** Where a node listens; without `fabric` it is only called over Connect. */
export interface NodeAddress {
  readonly url: string;
  /** HOST:PORT. */
  readonly fabric?: string;
}

/**
 * The calls to one node: over the fabric while that works, else over Connect. Remembers for a moment what could not be
 * reached, so that the next calls go elsewhere first.
 */
export class NodeLink {
  readonly address: NodeAddress;
  readonly #dial: Dial;
  #fabricLine: Line | undefined;
  #connectLine: Line | undefined;
  #fabricRestsUntil = 0;
  #restsUntil = 0;

  constructor(address: NodeAddress, dial: Dial) {
    this.address = address;
    this.#dial = dial;
  }

  /** False shortly after the node could not be reached. */
  get fresh(): boolean {
    return this.#restsUntil === 0 || performance.now() >= this.#restsUntil;
  }

  /**
   * Runs `call` over the best transport, and over Connect too if nothing could be sent over the fabric. Throws
   * `StoreError`, or the reason of `signal` once that has fired.
   */
  async call<T>(call: (transport: Transport) => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#watch(() => this.#callAny(call, signal));
  }

  /**
   * Runs a call in wire form if the fabric works and can carry it, else `send`, which also runs if nothing could be sent over
   * the fabric.
   */
  callDirect<T>(request: DirectRequest<T>, timeoutMs: number, send: () => Promise<T>): Promise<T> {
    const { fabric } = this.address;
    if (fabric === undefined || (this.#fabricRestsUntil > 0 && performance.now() < this.#fabricRestsUntil))
      return send();
    this.#fabricLine ??= this.#dial.fabric(fabric);
    const { direct } = this.#fabricLine;
    if (direct === undefined) return send();
    return new Promise((resolve, reject) => {
      direct(request.method, request.encode, timeoutMs, (failed, answer) => {
        if (answer !== undefined) {
          this.#restsUntil = 0;
          try {
            resolve(request.decode(answer));
          } catch (cause) {
            reject(unreadableAnswer(request.method, cause));
          }
          return;
        }
        const error = fromConnectError(failed);
        if (isLineFault(error)) this.#fabricRestsUntil = performance.now() + FABRIC_REST_MS;
        if (isLineFault(error) && error.effect !== 'unknown') return resolve(send());
        if (error.retry === 'elsewhere') this.#restsUntil = performance.now() + NODE_REST_MS;
        reject(error);
      });
    });
  }

  /** The next part of a call that {@link call} began: failures are named and remembered in the same way. */
  async next<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#watch(() => named(pending, signal));
  }

  /** A transport over Connect, for calls that are not data. */
  get connect(): Transport {
    this.#connectLine ??= this.#dial.connect(this.address.url);
    return this.#connectLine.transport;
  }

  async close(): Promise<void> {
    await Promise.all([this.#fabricLine?.close(), this.#connectLine?.close()]);
  }

  async #watch<T>(run: () => Promise<T>): Promise<T> {
    try {
      const answer = await run();
      this.#restsUntil = 0;
      return answer;
    } catch (error) {
      if (StoreError.is(error) && error.retry === 'elsewhere') this.#restsUntil = performance.now() + NODE_REST_MS;
      throw error;
    }
  }

  async #callAny<T>(call: (transport: Transport) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { fabric } = this.address;
    if (fabric === undefined || performance.now() < this.#fabricRestsUntil)
      return await named(call(this.connect), signal);
    this.#fabricLine ??= this.#dial.fabric(fabric);
    try {
      return await named(call(this.#fabricLine.transport), signal);
    } catch (error) {
      if (!StoreError.is(error) || !isLineFault(error)) throw error;
      this.#fabricRestsUntil = performance.now() + FABRIC_REST_MS;
      if (error.effect === 'unknown') throw error;
      return await named(call(this.connect), signal);
    }
  }
}

const LINE_FAULTS: ReadonlySet<Reason> = new Set(['FABRIC_UNAVAILABLE', 'PROTOCOL_MISMATCH', 'FRAME_MALFORMED']);

/** The line failed, not the node behind it; over another line the call may work. */
function isLineFault(error: StoreError): boolean {
  return LINE_FAULTS.has(error.reason);
}

/** `pending`, with every failure a `StoreError` except the caller's own cancellation. */
async function named<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    signal.throwIfAborted();
    throw fromConnectError(error);
  }
}
