import { invariant } from '@ferrite/errors';

/** The bounds of one listener or transport. Whatever goes beyond them is refused by name, never queued without end. */
export interface Limits {
  /** Open connections of a listener; further ones are closed with `OVERLOADED`. */
  readonly connectionsMax: number;
  /** Calls being handled by a listener, over all connections. */
  readonly inFlightMax: number;
  /** Calls open on one fabric connection. */
  readonly inFlightPerConnectionMax: number;
  /** Open streams of one HTTP/2 connection. */
  readonly streamsPerConnectionMax: number;
  /** One message, encoded, in bytes. */
  readonly messageBytesMax: number;
  /** All request headers of one call, in bytes. */
  readonly headerBytesMax: number;
  /** Unfinished messages, and answers the peer does not read, of one fabric connection, in bytes each way. */
  readonly bufferedBytesMax: number;
  /** Bytes of messages in flight on one fabric stream before the receiver must have consumed some. */
  readonly streamWindowBytes: number;
  /** Time for the first bytes, or for all headers of a request, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** Time for a whole HTTP/1.1 request to arrive, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Silence after which a fabric connection is probed, in milliseconds; it is given up after as much again. */
  readonly keepAliveMs: number;
  /** How long `close()` waits for calls in flight, in milliseconds. */
  readonly drainTimeoutMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_LIMITS: Limits = {
  connectionsMax: 12_000,
  inFlightMax: 20_000,
  inFlightPerConnectionMax: 20_000,
  streamsPerConnectionMax: 256,
  messageBytesMax: 24 * MIB,
  headerBytesMax: 16 * KIB,
  bufferedBytesMax: 64 * MIB,
  streamWindowBytes: MIB,
  headersTimeoutMs: 3000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 10_000,
  drainTimeoutMs: 10_000,
};

/** {@link DEFAULT_LIMITS} with some replaced. A limit that is not a positive safe integer is a bug. */
export function limitsFrom(changes: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...changes };
  for (const [name, value] of Object.entries(limits)) {
    invariant(Number.isSafeInteger(value) && value > 0, 'INV-NET-1', `limit ${name} is ${value}`);
  }
  invariant(limits.bufferedBytesMax >= limits.messageBytesMax, 'INV-NET-2', 'bufferedBytesMax holds one message');
  return limits;
}
