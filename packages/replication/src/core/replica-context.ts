import type { Actors } from './actors.ts';
import type { Background } from './background.ts';
import type { Desk } from './desk.ts';
import type { Fences } from './fences.ts';
import type { Hints } from './hints.ts';
import type { LocalRecords } from './local-records.ts';
import type { MerkleTrees } from './merkle-trees.ts';
import type { Outcome, PeerRequest, PeerResponse } from './message.ts';
import type { Planted } from './mutation.ts';
import type { Standings } from './standings.ts';
import type { TopologyDocument } from './topology.ts';

/** What the parts of one node's core share. */
export interface ReplicaContext {
  readonly self: string;
  readonly desk: Desk;
  readonly records: LocalRecords;
  readonly standings: Standings;
  readonly actors: Actors;
  readonly background: Background;
  readonly trees: MerkleTrees;
  readonly hints: Hints;
  readonly fences: Fences;
  readonly planted: Planted;
  topology(): TopologyDocument;
}

/** Sends to a peer and gives its answer, once. */
export function sendTo(
  context: Pick<ReplicaContext, 'desk'>,
  to: string,
  request: PeerRequest,
  timeoutMs: number,
  then: (outcome: Outcome<PeerResponse>) => void,
): void {
  const ticket = context.desk.ask({ type: 'send', to, request, timeoutMs }, (answer) => {
    context.desk.forget(ticket);
    if (answer.type === 'peer') then(answer.outcome);
  });
}
