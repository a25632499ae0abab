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
  const zoneOf = sorted.map((node) => zoneNames.indexOf(node.zone));
  const hostOf = sorted.map((node) => hostNames.indexOf(hostName(node)));
  return {
    nodes: sorted,
    zoneOf,
    hostOf,
    zoneSizes: zoneNames.map((_, zone) => zoneOf.filter((other) => other === zone).length),
    hostSizes: hostNames.map((_, host) => hostOf.filter((other) => other === host).length),
    zoneOfHost: hostNames.map((_, host) => zoneOf[hostOf.indexOf(host)]!),
  };
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
  const atLevel = (level: number): number => sizes.reduce((sum, size) => sum + Math.min(size, level), 0);
  let level = 0;
  while (level < copies && atLevel(level + 1) <= copies) level++;
  const full = atLevel(level) === copies;
  return {
    least: sizes.map((size) => Math.min(size, level)),
    most: sizes.map((size) => Math.min(size, full ? level : level + 1)),
  };
}

/**
 * True if the replicas lie as far apart as they can: no zone holds two more than another with room, and within a zone no
 * host does.
 */
export function isSpread(fleet: Fleet, replicas: readonly number[]): boolean {
  const inZone = new Uint32Array(fleet.zoneSizes.length);
  const onHost = new Uint32Array(fleet.hostSizes.length);
  for (const node of replicas) {
    inZone[fleet.zoneOf[node]!]!++;
    onHost[fleet.hostOf[node]!]!++;
  }
  for (const node of replicas) {
    const zone = fleet.zoneOf[node]!;
    for (let other = 0; other < inZone.length; other++) {
      if (inZone[other]! < fleet.zoneSizes[other]! && inZone[other]! + 1 < inZone[zone]!) return false;
    }
    const host = fleet.hostOf[node]!;
    for (let other = 0; other < onHost.length; other++) {
      if (fleet.zoneOfHost[other] !== zone) continue;
      if (onHost[other]! < fleet.hostSizes[other]! && onHost[other]! + 1 < onHost[host]!) return false;
    }
  }
  return true;
}
