import type { Endpoint } from './address.ts';

/** A listening port. */
export interface Listener extends AsyncDisposable {
  readonly endpoint: Endpoint;
  /** The endpoint as text, with the port it really has. */
  readonly address: string;
  readonly connections: number;
  readonly inFlight: number;
  /** Stops accepting, tells the peers, waits for calls in flight up to `drainTimeoutMs`, then ends what is left. */
  close(): Promise<void>;
}
