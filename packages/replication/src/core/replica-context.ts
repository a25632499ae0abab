import type { Reason } from '@ferrite/errors';
import type { Actors } from './actors.ts';
import type { Background } from './background.ts';
import type { ClientLoad } from './client-load.ts';
import { type Desk, expectAnswer } from './desk.ts';
import type { Fences } from './fences.ts';
import type { Hints } from './hints.ts';
import type { LocalRecords } from './local-records.ts';
import type { PeerView } from './membership/peer-view.ts';
import type { MerkleTrees } from './merkle-trees.ts';
import type { Outcome, PeerRequest, PeerResponse } from './message.ts';
import type { Planted } from './mutation.ts';
import type { Standings } from './standings.ts';
import type { TopologyDocument } from './topology.ts';
import type { WriteClock } from './write-clock.ts';

/** Failures after which a peer may be gone. */
const SILENT: ReadonlySet<Reason> = new Set(['FABRIC_UNAVAILABLE', 'DEADLINE_EXCEEDED']);

/** What the parts of one node's core share. */
export interface ReplicaContext {
  readonly self: string;
  readonly desk: Desk;
  readonly records: LocalRecords;
  readonly standings: Standings;
  readonly actors: Actors;
  readonly background: Background;
  readonly load: ClientLoad;
  readonly trees: MerkleTrees;
  readonly hints: Hints;
  readonly fences: Fences;
  readonly planted: Planted;
  /** Stamps the writes of keyspaces with the policy `lww`. */
  readonly clock: WriteClock;
  readonly peers: PeerView;
  topology(): TopologyDocument;
  /** The wall clock at this event, in Unix milliseconds; it may be wrong, and jump either way. */
  wallMs(): number;
}

/** Sends to a peer and gives its answer, once. Reads and writes do not wait long for the dead. */
export function sendTo(
  context: Pick<ReplicaContext, 'desk' | 'peers'>,
  to: string,
  request: PeerRequest,
  timeoutMs: number,
  then: (outcome: Outcome<PeerResponse>) => void,
): void {
  const { desk, peers } = context;
  const urgent = request.type === 'read' || request.type === 'write';
  const patienceMs = urgent ? peers.patienceMs(to, timeoutMs) : timeoutMs;
  const ticket = desk.ask({ type: 'send', to, request, timeoutMs: patienceMs }, (answer) => {
    desk.forget(ticket);
    const { outcome, tookMs } = expectAnswer(answer, 'peer');
    if (outcome.ok && request.type === 'read') peers.answered(to, tookMs);
    if (!outcome.ok && SILENT.has(outcome.error.reason) && peers.liveness(to) === 'alive') {
      desk.emit({ type: 'doubt', node: to });
    }
    then(outcome);
  });
}
