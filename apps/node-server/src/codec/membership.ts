import type { MessageInitShape } from '@bufbuild/protobuf';
import { StoreError, unreachable } from '@ferrite/errors';
import {
  type ClaimSchema,
  type GossipRequest,
  type GossipRequestSchema,
  Liveness,
  type Claim as WireClaim,
} from '@ferrite/proto/membership';
import type { Claim, GossipMessage } from '@ferrite/replication';

/** Membership messages to wire messages and back. */

const STATES = { alive: Liveness.ALIVE, suspect: Liveness.SUSPECT, dead: Liveness.DEAD } as const;

/** Claims in one message; a sync brings them in pages of 256. More come from no node of ours. */
const CLAIMS_MAX = 1_024;

export function gossipToWire(from: string, message: GossipMessage): MessageInitShape<typeof GossipRequestSchema> {
  return { from, message: kindToWire(message), claims: message.claims.map(claimToWire) };
}

/** Throws `FRAME_MALFORMED` for a message of a kind that this version does not know, or with too many claims. */
export function gossipFromWire(request: GossipRequest): GossipMessage {
  if (request.claims.length > CLAIMS_MAX) {
    throw new StoreError('FRAME_MALFORMED', {
      message: `${request.claims.length} claims, at most ${CLAIMS_MAX} are read`,
    });
  }
  const claims = request.claims.flatMap(claimFromWire);
  const { message } = request;
  switch (message.case) {
    case 'ping':
    case 'ack':
    case 'nack':
      return { type: message.case, sequence: Number(message.value.sequence), claims };
    case 'pingRequest': {
      const { sequence, target } = message.value;
      return { type: 'pingRequest', sequence: Number(sequence), target, claims };
    }
    case 'news':
      return { type: 'news', claims };
    case 'sync':
      return { type: 'sync', answer: message.value.answer, claims };
    case undefined:
      throw new StoreError('FRAME_MALFORMED', { message: 'a membership message of a kind this version does not know' });
    default:
      return unreachable(message);
  }
}

function kindToWire(message: GossipMessage): NonNullable<MessageInitShape<typeof GossipRequestSchema>['message']> {
  switch (message.type) {
    case 'ping':
    case 'ack':
    case 'nack':
      return { case: message.type, value: { sequence: BigInt(message.sequence) } };
    case 'pingRequest':
      return { case: 'pingRequest', value: { sequence: BigInt(message.sequence), target: message.target } };
    case 'news':
      return { case: 'news', value: {} };
    case 'sync':
      return { case: 'sync', value: { answer: message.answer } };
    default:
      return unreachable(message);
  }
}

function claimToWire({ node, state, boot, incarnation, by }: Claim): MessageInitShape<typeof ClaimSchema> {
  return { node, state: STATES[state], boot: BigInt(boot), incarnation: BigInt(incarnation), by };
}

/** A claim of a state this version does not know says nothing. */
function claimFromWire({ node, state, boot, incarnation, by }: WireClaim): Claim[] {
  const known = (Object.keys(STATES) as (keyof typeof STATES)[]).find((each) => STATES[each] === state);
  return known === undefined ? [] : [{ node, state: known, boot: Number(boot), incarnation: Number(incarnation), by }];
}
