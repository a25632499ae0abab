import { type EvenLevel, evenLevel, type Fleet } from './spread.ts';

/**
 * Whether rows are spread, and which exchanges leave them so: no zone holds two replicas more than another with room,
 * and within a zone no host does. An answer takes time in proportion to the row, whatever the size of the fleet.
 */
export class SpreadRules {
  readonly #fleet: Fleet;
  readonly #zones: EvenLevel;
  /** Per zone, and number of replicas there, how they lie on its hosts. */
  readonly #hosts: readonly (readonly EvenLevel[])[];

  /** The rules for rows of `replicas` nodes each. */
  constructor(fleet: Fleet, replicas: number) {
    this.#fleet = fleet;
    this.#zones = evenLevel(replicas, fleet.zoneSizes);
    const sizesIn: number[][] = fleet.zoneSizes.map(() => []);
    fleet.hostSizes.forEach((size, host) => {
      sizesIn[fleet.zoneOfHost[host]!]!.push(size);
    });
    this.#hosts = sizesIn.map((sizes, zone) =>
      Array.from({ length: Math.min(replicas, fleet.zoneSizes[zone]!) + 1 }, (_, copies) => evenLevel(copies, sizes)),
    );
  }

  /** False if no row at all lets a replica pass from the one node's zone to the other's. */
  mayEver(from: number, to: number): boolean {
    const { zoneOf, zoneSizes } = this.#fleet;
    const { level, top } = this.#zones;
    const holds = (node: number): boolean => zoneSizes[zoneOf[node]!]! > level;
    return zoneOf[from] === zoneOf[to] || (top > level && holds(from) && holds(to));
  }

  /** True if the row, spread as it is, stays so with `to` in the place of `from`; `to` is not in it. */
  allows(row: readonly number[], from: number, to: number): boolean {
    const { zoneOf, hostOf } = this.#fleet;
    const left = zoneOf[from]!;
    const right = zoneOf[to]!;
    let inLeft = 0;
    let inRight = 0;
    let onLeft = 0;
    let onRight = 0;
    for (const node of row) {
      if (zoneOf[node] === left) inLeft++;
      if (zoneOf[node] === right) inRight++;
      if (hostOf[node] === hostOf[from]) onLeft++;
      if (hostOf[node] === hostOf[to]) onRight++;
    }
    if (hostOf[from] === hostOf[to]) return true;
    // Among groups that share a sum, one may pass from those above the level to those on it.
    if (left === right) {
      const { level } = this.#hosts[left]![inLeft]!;
      return onLeft === level + 1 && onRight === level;
    }
    const { level } = this.#zones;
    if (inLeft !== level + 1 || inRight !== level) return false;
    return onLeft === this.#hosts[left]![inLeft]!.top && onRight === this.#hosts[right]![inRight]!.level;
  }

  /** True if the row, of as many nodes as planned, is spread. */
  isSpread(row: readonly number[]): boolean {
    const { zoneOf, hostOf, zoneOfHost } = this.#fleet;
    const zones = tally(row, zoneOf);
    if (!isEven(zones.values(), this.#zones)) return false;
    const hosts = tally(row, hostOf);
    for (const [zone, copies] of zones) {
      const here = [...hosts].flatMap(([host, count]) => (zoneOfHost[host] === zone ? [count] : []));
      if (!isEven(here, this.#hosts[zone]![copies]!)) return false;
    }
    return true;
  }
}

/** True if groups that hold `counts`, and others that hold nothing, are as even as they can be. */
function isEven(counts: Iterable<number>, { level, top, sum }: EvenLevel): boolean {
  let reached = 0;
  for (const count of counts) {
    if (count > top) return false;
    reached += Math.min(count, level);
  }
  return reached === sum;
}

function tally(row: readonly number[], groupOf: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const node of row) counts.set(groupOf[node]!, (counts.get(groupOf[node]!) ?? 0) + 1);
  return counts;
}
