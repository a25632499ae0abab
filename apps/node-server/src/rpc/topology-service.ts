import type { ServiceImpl } from '@connectrpc/connect';
import type { TopologyService } from '@ferrite/proto/kv';
import type { ReplicaNode } from '@ferrite/replication';
import { topologyToWire } from '../codec/topology.ts';

/** `ferrite.kv.v1.TopologyService`: what clients route by. */
export function topologyService(replica: ReplicaNode): ServiceImpl<typeof TopologyService> {
  return { getTopology: ({ knownEpoch }) => topologyToWire(replica.topology(), knownEpoch) };
}
