import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceImpl } from '@connectrpc/connect';
import type { ClusterService } from '@ferrite/proto/admin';
import { NODE_TIMEOUT_MS, type Nodes } from '../nodes.ts';

/** Long enough to plan a large cluster, and for a race between several writers. */
const PLAN_TIMEOUT_MS = 30_000;
/** How soon watchers hear of a change. */
const LOOK_EVERY_MS = 500;

/** `ferrite.admin.v1.ClusterService`: the topology as the nodes tell it; plans are made and committed by a node. */
export function clusterService(nodes: Nodes): ServiceImpl<typeof ClusterService> {
  const options = { timeoutMs: PLAN_TIMEOUT_MS };
  return {
    getTopology: async () => ({ topology: await nodes.topology() }),
    async *watchTopology({ knownEpoch }, { signal }) {
      let known = knownEpoch;
      let topology = await nodes.topology(known);
      while (!signal.aborted) {
        // Nodes hear of a change one after the other: what an older one says is no news.
        if (topology.epoch > known) yield { topology };
        if (topology.epoch > known) known = topology.epoch;
        // A real wait, which the end of the call cuts short; a cluster that is down for a while is waited for.
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
        if (!signal.aborted) topology = await nodes.topology(known).catch(() => topology);
      }
    },
    planChange: (request) => nodes.any((link) => link.node.planChange(request, options)),
    getPlan: (request) => nodes.any((link) => link.node.getPlan(request, { timeoutMs: NODE_TIMEOUT_MS })),
    commitPlan: (request) => nodes.any((link) => link.node.commitPlan(request, options)),
    discardPlan: (request) => nodes.any((link) => link.node.discardPlan(request, options)),
  };
}
