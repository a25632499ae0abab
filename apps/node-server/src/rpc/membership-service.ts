import type { ServiceImpl } from '@connectrpc/connect';
import type { MembershipService } from '@ferrite/proto/membership';
import type { ReplicaNode } from '@ferrite/replication';
import { gossipFromWire } from '../codec/membership.ts';

/** What other nodes say of each other; served on the fabric port only. */
export function membershipService(replica: ReplicaNode): ServiceImpl<typeof MembershipService> {
  return {
    gossip(request) {
      replica.hear(request.from, gossipFromWire(request));
      return {};
    },
  };
}
