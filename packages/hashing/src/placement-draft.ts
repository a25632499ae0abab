import type { Exchange } from './level-out.ts';
import { type Bounds, evenBounds, type Fleet, isSpread } from './spread.ts';

/** A table being planned: per partition the numbers of its nodes, primary first. */
export class PlacementDraft {
  readonly fleet: Fleet;
  readonly rows: number[][];
  /** The rows as they were given: what lies there again costs no move. */
  readonly #home: readonly (readonly number[])[];
  readonly #orders: readonly (readonly number[])[];
  readonly #shares: readonly number[];
  readonly #loads: number[];
  readonly #zoneBounds: Bounds;

  /** Takes over `rows`, in which every partition may still have too few or too many replicas, or badly spread ones. */
  constructor(fleet: Fleet, rows: number[][], shares: readonly number[], replicas: number) {
    this.fleet = fleet;
    this.rows = rows;
    this.#home = rows.map((row) => [...row]);
    this.#orders = fleet.nodes.map((_, node) => sampleOrder(rows.length, node));
    this.#shares = shares;
    this.#loads = fleet.nodes.map((_, node) => rows.filter((row) => row.includes(node)).length);
    this.#zoneBounds = evenBounds(replicas, fleet.zoneSizes);
    for (const row of rows) this.#mend(row, replicas);
  }

  /** The exchange of replicas: a node takes one over if the partition stays spread. */
  replicas(): Exchange {
    const { fleet, rows } = this;
    const home = this.#home;
    const orders = this.#orders;
    const isHome = (partition: number): boolean => rows[partition]!.every((node) => home[partition]!.includes(node));
    const displaced = new Set([...rows.keys()].filter((partition) => !isHome(partition)));
    return {
      loads: this.#loads,
      unitsOf: (from, free) =>
        (free ? [...displaced] : orders[from]!).filter((partition) => rows[partition]!.includes(from)),
      allows: (partition, from, to) => {
        const row = rows[partition]!;
        if (row.includes(to) || !this.#zonesAllow(row, from, to)) return false;
        return isSpread(
          fleet,
          row.map((node) => (node === from ? to : node)),
        );
      },
      isFree: (partition, from, to) => home[partition]!.includes(to) || !home[partition]!.includes(from),
      move: (partition, from, to) => {
        this.#replace(rows[partition]!, from, to);
        mark(displaced, partition, !isHome(partition));
      },
    };
  }

  /** The exchange of the first place, among the replicas of each partition. */
  primaries(): Exchange {
    const { rows } = this;
    const home = this.#home;
    const orders = this.#orders;
    const loads = this.fleet.nodes.map((_, node) => rows.filter((row) => row[0] === node).length);
    const displaced = new Set([...rows.keys()].filter((partition) => rows[partition]![0] !== home[partition]![0]));
    return {
      loads,
      unitsOf: (from, free) =>
        (free ? [...displaced] : orders[from]!).filter((partition) => rows[partition]![0] === from),
      allows: (partition, from, to) => rows[partition]![0] === from && rows[partition]!.includes(to),
      isFree: (partition, from, to) => home[partition]![0] === to || home[partition]![0] !== from,
      move: (partition, from, to) => {
        const row = rows[partition]!;
        row[row.indexOf(to)] = from;
        row[0] = to;
        mark(displaced, partition, home[partition]![0] !== to);
        loads[from]!--;
        loads[to]!++;
      },
    };
  }

  /** Replicas per node now. */
  get loads(): readonly number[] {
    return this.#loads;
  }

  #mend(row: number[], replicas: number): void {
    while (row.length > replicas) this.#drop(row);
    while (row.length < replicas) this.#add(row);
    while (!isSpread(this.fleet, row)) this.#loosen(row);
  }

  /** A necessary condition for a spread row, far cheaper than the whole. */
  #zonesAllow(row: readonly number[], from: number, to: number): boolean {
    const { zoneOf } = this.fleet;
    const left = zoneOf[from]!;
    const right = zoneOf[to]!;
    if (left === right) return true;
    const held = (zone: number): number => row.reduce((count, node) => count + (zoneOf[node] === zone ? 1 : 0), 0);
    return held(left) > this.#zoneBounds.least[left]! && held(right) < this.#zoneBounds.most[right]!;
  }

  #drop(row: number[]): void {
    const [worst] = [...row].sort((a, b) => this.#crowding(row, b) - this.#crowding(row, a) || this.#compareFill(b, a));
    row.splice(row.indexOf(worst!), 1);
    this.#loads[worst!]!--;
  }

  #add(row: number[]): void {
    const [best] = this.#absent(row).sort(
      (a, b) => this.#crowding(row, a) - this.#crowding(row, b) || this.#compareFill(a, b),
    );
    row.push(best!);
    this.#loads[best!]!++;
  }

  /** Moves one replica from where they crowd to where there is more room; the row is not spread. */
  #loosen(row: number[]): void {
    const takers = this.#absent(row).sort((a, b) => this.#compareFill(a, b));
    const givers = [...row].sort((a, b) => this.#compareFill(b, a));
    for (const from of givers) {
      for (const to of takers) {
        if (!this.#loosens(row, from, to)) continue;
        this.#replace(row, from, to);
        return;
      }
    }
  }

  #loosens(row: readonly number[], from: number, to: number): boolean {
    const { zoneOf, hostOf } = this.fleet;
    const held = (of: readonly number[], node: number): number =>
      row.reduce((count, other) => count + (of[other] === of[node] ? 1 : 0), 0);
    if (zoneOf[from] !== zoneOf[to]) return held(zoneOf, to) + 1 < held(zoneOf, from);
    return held(hostOf, to) + 1 < held(hostOf, from);
  }

  #replace(row: number[], from: number, to: number): void {
    row[row.indexOf(from)] = to;
    this.#loads[from]!--;
    this.#loads[to]!++;
  }

  #absent(row: readonly number[]): number[] {
    return this.fleet.nodes.map((_, node) => node).filter((node) => !row.includes(node));
  }

  /** How many of the row's replicas share the node's zone and, second, its host. */
  #crowding(row: readonly number[], node: number): number {
    const { zoneOf, hostOf } = this.fleet;
    return row.reduce(
      (sum, other) => sum + (zoneOf[other] === zoneOf[node] ? 0x1_0000 : 0) + (hostOf[other] === hostOf[node] ? 1 : 0),
      0,
    );
  }

  /** Order by how much of its share a node has, least first. */
  #compareFill(a: number, b: number): number {
    return this.#loads[a]! / this.#shares[a]! - this.#loads[b]! / this.#shares[b]! || a - b;
  }
}

function mark(partitions: Set<number>, partition: number, belongs: boolean): void {
  if (belongs) partitions.add(partition);
  else partitions.delete(partition);
}

/**
 * All partitions in an order of the node's own, so that what it gives away is a fair sample of what it holds. Taken in
 * one order by all, the same zones would end up together ever more often, and later moves would find no way.
 */
function sampleOrder(partitions: number, node: number): readonly number[] {
  const key = (partition: number): number => {
    // The finalizer of MurmurHash3 (Appleby, 2011): every bit of the input changes half of the output.
    let mixed = Math.imul(partition + 1, 0x9e37_79b1) ^ Math.imul(node + 1, 0x85eb_ca77);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    return mixed ^ (mixed >>> 16);
  };
  return Array.from({ length: partitions }, (_, partition) => partition).sort((a, b) => key(a) - key(b) || a - b);
}
