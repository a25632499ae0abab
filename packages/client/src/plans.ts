import type { MessageInitShape } from '@bufbuild/protobuf';
import { type CallOptions as ConnectOptions, createClient, type Transport } from '@connectrpc/connect';
import { ClusterService } from '@ferrite/proto/admin';
import { NodeService, type TopologyChangeSchema, type Plan as WirePlan } from '@ferrite/proto/node';
import type { Dispatcher } from './dispatch.ts';
import type { Bounded } from './keyspaces.ts';
import { urlOf } from './topology.ts';
import type { CallOptions } from './types.ts';

/** A node as it is to join. */
export interface NewNode {
  readonly id: string;
  readonly host: string;
  readonly zone: string;
  readonly weight: number;
  readonly rpcAddress: string;
  readonly fabricAddress: string;
}

/** A wish about the members of the cluster, or about how many of them hold a record. */
export type TopologyChange =
  | { readonly type: 'join'; readonly node: NewNode }
  | { readonly type: 'leave' | 'drain' | 'resume'; readonly node: string }
  | { readonly type: 'replace'; readonly node: string; readonly by: NewNode }
  | { readonly type: 'reweight'; readonly node: string; readonly weight: number }
  | { readonly type: 'relocate'; readonly node: string; readonly zone: string; readonly host: string }
  | { readonly type: 'factor'; readonly keyspace: string; readonly replicationFactor: number };

/** What a commit would do, and what that costs. */
export interface Plan {
  readonly id: bigint;
  readonly moves: readonly {
    readonly partition: number;
    readonly from: readonly string[];
    readonly to: readonly string[];
    readonly bytes: bigint;
  }[];
  readonly bytes: bigint;
  readonly estimatedMs: number;
}

/** The one plan of the cluster. */
export interface Plans {
  /** Adds a change to the plan, which is made if there is none; nothing else changes. */
  change(change: TopologyChange, options?: CallOptions): Promise<Plan | undefined>;
  get(options?: CallOptions): Promise<Plan | undefined>;
  /** Throws `TOPOLOGY_CONFLICT` if the plan is another by now, or the cluster has changed under it. */
  commit(id: bigint, options?: CallOptions): Promise<void>;
  discard(id: bigint, options?: CallOptions): Promise<void>;
}

/** What nodes and the admin API have in common. */
type Service = Pick<
  ReturnType<typeof createClient<typeof NodeService>>,
  'planChange' | 'getPlan' | 'commitPlan' | 'discardPlan'
>;

export function openPlans(dispatcher: Dispatcher, bounded: Bounded): Plans {
  const { view } = dispatcher;
  const ask = <T>(
    options: CallOptions | undefined,
    idempotent: boolean,
    question: (service: Service, options: ConnectOptions) => Promise<T>,
  ): Promise<T> =>
    bounded(options, async (deadline) => {
      const nodes = new Set((await view.topology()).members.map(urlOf));
      const service = (transport: Transport, url: string): Service =>
        nodes.has(url) ? createClient(NodeService, transport) : createClient(ClusterService, transport);
      return await dispatcher.run(
        {
          route: () => view.forControl(),
          idempotent,
          send: (transport, call, url) => question(service(transport, url), call),
        },
        deadline,
      );
    });
  return {
    change: (change, options) =>
      ask(options, false, async (service, call) => {
        return toPlan((await service.planChange({ change: toWire(change) }, call)).plan);
      }),
    get: (options) => ask(options, true, async (service, call) => toPlan((await service.getPlan({}, call)).plan)),
    commit: (id, options) =>
      ask(options, false, async (service, call) => void (await service.commitPlan({ id }, call))),
    discard: (id, options) =>
      ask(options, false, async (service, call) => void (await service.discardPlan({ id }, call))),
  };
}

function toPlan(plan: WirePlan | undefined): Plan | undefined {
  if (plan === undefined) return undefined;
  const moves = plan.moves.map(({ partition, from, to, bytes }) => ({ partition, from, to, bytes }));
  return { id: plan.id, moves, bytes: plan.bytes, estimatedMs: Number(plan.estimatedMs) };
}

function toWire(change: TopologyChange): MessageInitShape<typeof TopologyChangeSchema> {
  switch (change.type) {
    case 'join':
      return { change: { case: 'join', value: change.node } };
    case 'leave':
    case 'drain':
    case 'resume':
      return { change: { case: change.type, value: change.node } };
    case 'replace':
      return { change: { case: 'replace', value: { node: change.node, by: change.by } } };
    case 'reweight':
      return { change: { case: 'reweight', value: { node: change.node, weight: change.weight } } };
    case 'relocate':
      return { change: { case: 'relocate', value: { node: change.node, zone: change.zone, host: change.host } } };
    case 'factor': {
      const { keyspace, replicationFactor } = change;
      return { change: { case: 'factor', value: { keyspace, replicationFactor } } };
    }
  }
}
