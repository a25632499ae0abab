import { StoreError } from '@ferrite/errors';
import { seededHash } from './key-hash.ts';

/** A node and its weight: above 0, finite, relative to the weights of the others. */
export interface WeightedNode {
  readonly id: string;
  readonly weight: number;
}

/** A node with the places it shares its fate with. */
export interface PlacementNode extends WeightedNode {
  /** The machine; nodes of one host fail together. */
  readonly host: string;
  /** The rack, room or availability zone. */
  readonly zone: string;
}

/**
 * The ids of all nodes, best first, by weighted rendezvous hashing: a node leads in proportion to its weight, and a
 * change of one node only moves what that node gains or loses.
 *
 * Thaler, Ravishankar, "Using name-based mappings to increase hit rates" (IEEE/ACM ToN 1998); the weights by the score
 * -w / ln(u) of Schindelhauer, Schomaker, "Weighted distributed hash tables" (SPAA 2005).
 */
export function rendezvousOrder(partition: number, nodes: readonly WeightedNode[]): readonly string[] {
  return ranked(partition, nodes).map((node) => node.id);
}

/**
 * The ids of the `n` best nodes for a partition (all, if there are fewer) by {@link rendezvousOrder}, spread over as many
 * zones as there are, then over as many hosts; a zone or host holds a second replica only where no other has room.
 */
export function preferenceList(partition: number, nodes: readonly PlacementNode[], n: number): readonly string[] {
  const left = [...ranked(partition, nodes)];
  const zones = new Map<string, number>();
  const hosts = new Map<string, number>();
  const chosen: string[] = [];
  while (chosen.length < n && left.length > 0) {
    let best = 0;
    for (let index = 1; index < left.length; index++) {
      if (crowding(left[index]!, zones, hosts) < crowding(left[best]!, zones, hosts)) best = index;
    }
    const [node] = left.splice(best, 1);
    zones.set(node!.zone, (zones.get(node!.zone) ?? 0) + 1);
    hosts.set(node!.host, (hosts.get(node!.host) ?? 0) + 1);
    chosen.push(node!.id);
  }
  return chosen;
}

/** Replicas in the node's zone first, in its host second, as one number to compare. */
function crowding(node: PlacementNode, zones: Map<string, number>, hosts: Map<string, number>): number {
  return (zones.get(node.zone) ?? 0) * 0x1_0000 + (hosts.get(node.host) ?? 0);
}

function ranked<N extends WeightedNode>(partition: number, nodes: readonly N[]): readonly N[] {
  return nodes
    .map((node) => ({ node, score: score(partition, node) }))
    .sort((a, b) => b.score - a.score || (a.node.id < b.node.id ? -1 : 1))
    .map(({ node }) => node);
}

function score(partition: number, node: WeightedNode): number {
  if (!(node.weight > 0 && Number.isFinite(node.weight))) {
    throw new StoreError('ARGUMENT_INVALID', { message: `the weight of node ${node.id} is not a number above 0` });
  }
  // The top 53 bits, moved off both ends: uniform in the open interval (0, 1).
  const u = (Number(seededHash(node.id, BigInt(partition)) >> 11n) + 0.5) / 2 ** 53;
  return -node.weight / Math.log(u);
}
