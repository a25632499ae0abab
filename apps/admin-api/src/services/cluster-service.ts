import type { ServiceImpl } from '@connectrpc/connect';
import type { ClusterService } from '@ferrite/proto/admin';
import type { Nodes } from '../nodes.ts';

/** `ferrite.admin.v1.ClusterService`: the topology as the nodes tell it. */
export function clusterService(nodes: Nodes): ServiceImpl<typeof ClusterService> {
  return { getTopology: async () => ({ topology: await nodes.topology() }) };
}
