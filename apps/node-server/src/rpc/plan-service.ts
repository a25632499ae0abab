import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { NodeService, PlanSchema } from '@ferrite/proto/node';
import {
  commitPlan,
  describePlan,
  discardPlan,
  planChange,
  type ReplicaNode,
  replicasOf,
  type TopologyDocument,
} from '@ferrite/replication';
import { changeFromWire, planToWire } from '../codec/plan.ts';

export interface PlanServiceOptions {
  readonly replica: ReplicaNode;
  readonly nodeId: string;
  /** What this node's device holds. */
  readonly usedBytes: () => number;
}

/** What one node takes in from others while it has little else to do, in bytes a second: the background budget. */
const INBOUND_BYTES_PER_SECOND = 64 * 1024 * 1024;

/** The part of `ferrite.node.v1.NodeService` that plans changes of the topology (P13, P14). */
export function planService({
  replica,
  nodeId,
  usedBytes,
}: PlanServiceOptions): Pick<ServiceImpl<typeof NodeService>, 'planChange' | 'getPlan' | 'commitPlan' | 'discardPlan'> {
  const described = (document: TopologyDocument): MessageInitShape<typeof PlanSchema> | undefined => {
    const { plan } = document;
    if (plan === undefined) return undefined;
    // Partitions are as good as equal in size, by the hash of the keys; so this node's own are a sample.
    const bytes = usedBytes() / Math.max(1, partitionsOf(document, nodeId));
    return planToWire(describePlan(document, plan, { bytesOf: () => bytes, bytesPerSecond: INBOUND_BYTES_PER_SECOND }));
  };
  return {
    async planChange({ change }) {
      const wanted = changeFromWire(change);
      const plan = described(await replica.changeTopology((document) => planChange(document, wanted)));
      return { ...(plan && { plan }) };
    },
    async getPlan() {
      const plan = described(replica.topology());
      return { ...(plan && { plan }) };
    },
    async commitPlan({ id }) {
      const changed = await replica.changeTopology((document) => commitPlan(document, Number(id)));
      return { epoch: BigInt(changed.epoch) };
    },
    async discardPlan({ id }) {
      const changed = await replica.changeTopology((document) => discardPlan(document, Number(id)));
      return { epoch: BigInt(changed.epoch) };
    },
  };
}

/** In how many partitions the node is a replica of some keyspace. */
function partitionsOf(document: TopologyDocument, node: string): number {
  return document.table.filter((_, partition) =>
    document.keyspaces.some((keyspace) => replicasOf(document, keyspace, partition).includes(node)),
  ).length;
}
