import type { Outcome, PeerRequest, PeerResponse } from '../core/message.ts';

/** The way to other nodes. Node ids are those of the topology. */
export interface ReplicaTransport {
  /**
   * Asks a node; `then` is called once, perhaps at once. Failures are the peer's own, `FABRIC_UNAVAILABLE` (effect `none` if the
   * request was never sent), or `DEADLINE_EXCEEDED` after `timeoutMs`. Bytes of the request are borrowed until then.
   */
  call(nodeId: string, request: PeerRequest, timeoutMs: number, then: (outcome: Outcome<PeerResponse>) => void): void;
}
