import type { ServiceImpl } from '@connectrpc/connect';
import type { TopologyService } from '@ferrite/proto/kv';
import type { ReplicaNode } from '@ferrite/replication';
import { topologyToWire } from '../codec/topology.ts';

/** `ferrite.kv.v1.TopologyService`: what clients route by. */
export function topologyService(replica: ReplicaNode): ServiceImpl<typeof TopologyService> {
  return {
    getTopology({ knownEpoch }) {
      const response = topologyToWire(replica.topology(), knownEpoch);
      const held = new Map(replica.members().map(({ node, state }) => [node, state]));
      for (const member of response.members) member.liveness = held.get(member.id) ?? 'alive';
      return response;
    },
  };
}
