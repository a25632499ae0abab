import { StoreError } from '@ferrite/errors';
import type { NodeDescription, TopologyChange, TopologyDocument } from '../core/topology.ts';
import { commitPlan, planChange } from '../core/topology-plan.ts';
import type { Prng } from './prng.ts';
import type { SimNode } from './sim-node.ts';
import type { SimTopologyStore } from './sim-topology-store.ts';

/** A machine by its number, as the topology describes it. */
export function describeNode(number: number): NodeDescription {
  const [id, host] = [`n${number}`, `h${number}`];
  return { id, host, zone: 'z', weight: 1, rpc: `${host}:1`, fabric: `${host}:2` };
}

/** What an operator works with. */
interface Operated {
  readonly store: SimTopologyStore;
  /** The members. */
  readonly nodes: readonly SimNode[];
  readonly machines: readonly SimNode[];
  /** Partitions may get fewer replicas, or others in place of some that hold them. */
  readonly mayShrink: boolean;
}

/** An operator plans and commits a change; false if there is none to be made now. Whoever joins is started at once. */
export function changeTopology({ store, nodes, machines, mayShrink }: Operated, prng: Prng): boolean {
  if (store.absences > 0) return false;
  const { document } = store;
  const change = choose(document, { store, nodes, machines, mayShrink }, prng);
  if (change === undefined) return false;
  let planned: TopologyDocument;
  let committed: TopologyDocument;
  try {
    planned = planChange(document, change);
    committed = commitPlan(planned, planned.plan!.id);
  } catch (error) {
    if (StoreError.is(error)) return false;
    throw error;
  }
  store.publishNow(planned);
  store.publishNow(committed);
  const came =
    'node' in change && typeof change.node !== 'string' ? change.node : 'by' in change ? change.by : undefined;
  const machine = machines.find(({ id }) => id === came?.id);
  machine?.remember(committed);
  machine?.start();
  return true;
}

function choose(
  document: TopologyDocument,
  { nodes, machines, mayShrink }: Operated,
  prng: Prng,
): TopologyChange | undefined {
  const factor = Math.max(...document.keyspaces.map(({ replicationFactor }) => replicationFactor));
  const active = document.nodes.filter(({ state }) => state === 'active');
  const spare = machines.find((machine) => !machine.used);
  const { id: node } = prng.pick(active.length > 0 ? active : document.nodes);
  const kinds: TopologyChange['type'][] = ['reweight'];
  if (mayShrink) kinds.push('factor');
  if (spare !== undefined) kinds.push('join', 'join', 'replace', 'replace');
  if (mayShrink && active.length > factor) kinds.push('leave', 'leave', 'drain');
  const draining = document.nodes.find(({ state }) => state === 'draining');
  if (draining !== undefined) kinds.push('resume');
  const type = prng.pick(kinds);
  switch (type) {
    case 'join':
      return { type, node: describeNode(spare!.index + 1) };
    case 'replace':
      return { type, node, by: describeNode(spare!.index + 1) };
    case 'leave':
    case 'drain':
      return nodes.length > 1 ? { type, node } : undefined;
    case 'factor': {
      const { name } = prng.pick(document.keyspaces);
      return { type, keyspace: name, replicationFactor: prng.pick([2, 3, 3, 4, 5]) };
    }
    case 'resume':
      return { type, node: draining!.id };
    default:
      return { type: 'reweight', node, weight: prng.pick([0.5, 1, 2]) };
  }
}
