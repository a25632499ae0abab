import type { PlacementNode } from './rendezvous.ts';

/** Nodes by number, in order of id, with zones and hosts by number too; what the planner computes on. */
export interface Fleet {
  readonly nodes: readonly PlacementNode[];
  /** Zone of each node, by number. */
  readonly zoneOf: readonly number[];
  /** Host of each node, by number; a host name counts once per zone. */
  readonly hostOf: readonly number[];
  /** How many nodes each zone and each host has. */
  readonly zoneSizes: readonly number[];
  readonly hostSizes: readonly number[];
  /** Zone of each host. */
  readonly zoneOfHost: readonly number[];
}

/** Numbers the nodes. */
export function fleetOf(nodes: readonly PlacementNode[]): Fleet {
  const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
  const zoneNames = [...new Set(sorted.map((node) => node.zone))];
  const hostNames = [...new Set(sorted.map(hostName))];
  const zones = new Map(zoneNames.map((name, zone) => [name, zone]));
  const hosts = new Map(hostNames.map((name, host) => [name, host]));
  const zoneOf = sorted.map((node) => zones.get(node.zone)!);
  const hostOf = sorted.map((node) => hosts.get(hostName(node))!);
  const zoneSizes = zoneNames.map(() => 0);
  const hostSizes = hostNames.map(() => 0);
  const zoneOfHost = hostNames.map(() => 0);
  sorted.forEach((_, node) => {
    zoneSizes[zoneOf[node]!]!++;
    hostSizes[hostOf[node]!]!++;
    zoneOfHost[hostOf[node]!] = zoneOf[node]!;
  });
  return { nodes: sorted, zoneOf, hostOf, zoneSizes, hostSizes, zoneOfHost };
}

function hostName(node: PlacementNode): string {
  return JSON.stringify([node.zone, node.host]);
}

/**
 * How replicas may lie: `copies` go over groups with room for `sizes` as evenly as room allows. Then each group holds
 * from `least` to `most`, which differ by at most one.
 */
export interface Bounds {
  readonly least: readonly number[];
  readonly most: readonly number[];
}

/** The bounds of an even spread. */
export function evenBounds(copies: number, sizes: readonly number[]): Bounds {
  const { level, top } = evenLevel(copies, sizes);
  return {
    least: sizes.map((size) => Math.min(size, level)),
    most: sizes.map((size) => Math.min(size, top)),
  };
}

/**
 * An even spread in numbers: every group holds `level`, or all it has room for; some hold `top`, which is the same or
 * one more; `sum` is what the groups hold up to `level`.
 */
export interface EvenLevel {
  readonly level: number;
  readonly top: number;
  readonly sum: number;
}

/** The level to which `copies` fill groups with room for `sizes`. */
export function evenLevel(copies: number, sizes: readonly number[]): EvenLevel {
  const upTo = (level: number): number => sizes.reduce((sum, size) => sum + Math.min(size, level), 0);
  const max = Math.max(0, ...sizes);
  let level = 0;
  while (level < max && upTo(level + 1) <= copies) level++;
  const sum = upTo(level);
  return { level, top: sum === copies ? level : level + 1, sum };
}
