import { StoreError } from '@ferrite/errors';
import { SYSTEM_KEYSPACE, TOPOLOGY_WAIT_MS } from './limits.ts';
import type { Outcome, PeerRequest, PeerResponse } from './message.ts';
import type { Operations } from './operations.ts';
import type { PeerService } from './peer-service.ts';
import type { ReplicaContext } from './replica-context.ts';
import { keyspaceById } from './replicas.ts';

type Respond = (outcome: Outcome<PeerResponse>) => void;

/** Takes the requests of peers, and has those wait that name a keyspace this node has not heard of. */
export class Inbound {
  readonly #node: ReplicaContext;
  readonly #operations: Operations;
  readonly #peers: PeerService;
  #waiters: (() => void)[] = [];

  constructor(node: ReplicaContext, operations: Operations, peers: PeerService) {
    this.#node = node;
    this.#operations = operations;
    this.#peers = peers;
  }

  request(request: PeerRequest, respond: Respond): void {
    if (this.#knows(request)) return this.#answer(request, respond);
    // Its record would be in no page that others recover from.
    this.#whenNewer(() => {
      if (this.#knows(request)) this.#answer(request, respond);
      else respond({ ok: false, error: new StoreError('KEYSPACE_NOT_FOUND') });
    });
  }

  /** The topology was looked up, whether it is newer or not. */
  topologyCame(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  #knows(request: PeerRequest): boolean {
    if (!('keyspaceId' in request) || request.keyspaceId === SYSTEM_KEYSPACE) return true;
    return keyspaceById(this.#node.topology(), request.keyspaceId) !== undefined;
  }

  /** Asks for the newest topology and calls back when it is here, or after a moment if there is none. */
  #whenNewer(then: () => void): void {
    let called = false;
    const once = (): void => {
      if (called) return;
      called = true;
      stopTimer();
      then();
    };
    const stopTimer = this.#node.desk.timer(TOPOLOGY_WAIT_MS, once);
    this.#waiters.push(once);
    this.#node.desk.emit({ type: 'fetchTopology' });
  }

  #answer(request: PeerRequest, respond: Respond): void {
    if (request.type === 'coordinate') this.#operations.coordinate(request, respond);
    else this.#peers.answer(request, respond);
  }
}
