import type { ServiceImpl } from '@connectrpc/connect';
import type { ClusterService } from '@ferrite/proto/admin';
import { NODE_TIMEOUT_MS, type Nodes } from '../nodes.ts';

/** Long enough to plan a large cluster, and for a race between several writers. */
const PLAN_TIMEOUT_MS = 30_000;

/** `ferrite.admin.v1.ClusterService`: the topology as the nodes tell it; plans are made and committed by a node. */
export function clusterService(nodes: Nodes): ServiceImpl<typeof ClusterService> {
  const options = { timeoutMs: PLAN_TIMEOUT_MS };
  return {
    getTopology: async () => ({ topology: await nodes.topology() }),
    planChange: (request) => nodes.any((link) => link.node.planChange(request, options)),
    getPlan: (request) => nodes.any((link) => link.node.getPlan(request, { timeoutMs: NODE_TIMEOUT_MS })),
    commitPlan: (request) => nodes.any((link) => link.node.commitPlan(request, options)),
    discardPlan: (request) => nodes.any((link) => link.node.discardPlan(request, options)),
  };
}
