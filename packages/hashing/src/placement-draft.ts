import type { Exchange } from './level-out.ts';
import type { Fleet } from './spread.ts';
import { SpreadRules } from './spread-rules.ts';
import { UnitLists } from './unit-lists.ts';

/** What a draft is to become. */
interface Draft {
  readonly shares: readonly number[];
  readonly replicas: number;
  readonly fixed: number;
  readonly isInForce: boolean;
}

/** A table being planned: per partition the numbers of its nodes, primary first. */
export class PlacementDraft {
  readonly rows: number[][];
  readonly #fleet: Fleet;
  /** The rows as they were given: what lies there again costs no move. */
  readonly #home: readonly (readonly number[])[];
  /** How many nodes at the front of each row stay where they are: the replicas of smaller factors. */
  readonly #fixed: number;
  readonly #shares: readonly number[];
  readonly #loads: number[];
  readonly #rules: SpreadRules;

  /**
   * Takes over `rows`, in which every partition may still have too few or too many replicas, or badly spread ones.
   * `isInForce`: that is where data lies; otherwise nothing costs a move.
   */
  constructor(fleet: Fleet, rows: number[][], { shares, replicas, fixed, isInForce }: Draft) {
    this.#fleet = fleet;
    this.rows = rows;
    this.#fixed = fixed;
    this.#home = rows.map((row) => (isInForce ? [...row] : []));
    this.#shares = shares;
    this.#rules = new SpreadRules(fleet, replicas);
    this.#loads = fleet.nodes.map(() => 0);
    for (const row of rows) for (const node of row) this.#loads[node]!++;
    for (const row of rows) this.#mend(row, replicas);
  }

  /** Replicas per node now. */
  get loads(): readonly number[] {
    return this.#loads;
  }

  /** The exchange of replicas: a node takes one over if the partition stays spread. */
  replicas(): Exchange {
    const rows = this.rows;
    const home = this.#home;
    const rules = this.#rules;
    const fixed = this.#fixed;
    const units = new UnitLists(this.#loads.length);
    rows.forEach((row, partition) => {
      for (const node of row.slice(fixed)) units.add(node, partition);
    });
    units.shuffle();
    const isHome = (partition: number): boolean => rows[partition]!.every((node) => home[partition]!.includes(node));
    const displaced = new UnitLists(this.#loads.length);
    rows.forEach((row, partition) => {
      if (!isHome(partition)) for (const node of row.slice(fixed)) displaced.add(node, partition);
    });
    const isFree = (partition: number, from: number, to: number): boolean =>
      home[partition]!.includes(to) || !home[partition]!.includes(from);
    let moved = this.#moved();
    return {
      loads: this.#loads,
      find: (from, to, free, avoid) => {
        if (!rules.mayEver(from, to)) return undefined;
        for (const partition of (free ? displaced : units).of(from)) {
          const row = rows[partition]!;
          if (avoid.includes(partition) || row.includes(to) || isFree(partition, from, to) !== free) continue;
          if (rules.allows(row, from, to)) return partition;
        }
        return undefined;
      },
      hasFree: (from) => displaced.of(from).length > 0,
      moved: () => moved,
      move: (partition, from, to) => {
        const row = rows[partition]!;
        moved += (home[partition]!.includes(from) ? 1 : 0) - (home[partition]!.includes(to) ? 1 : 0);
        if (!isHome(partition)) for (const node of row.slice(fixed)) displaced.remove(node, partition);
        this.#replace(row, from, to);
        units.remove(from, partition);
        units.add(to, partition);
        if (!isHome(partition)) for (const node of row.slice(fixed)) displaced.add(node, partition);
      },
    };
  }

  /** The exchange of the first place, among the replicas of each partition. */
  primaries(): Exchange {
    const { rows } = this;
    const home = this.#home;
    const loads = this.#loads.map(() => 0);
    const units = new UnitLists(loads.length);
    const displaced = new UnitLists(loads.length);
    rows.forEach(([first], partition) => {
      loads[first!]!++;
      units.add(first!, partition);
      if (first !== home[partition]![0]) displaced.add(first!, partition);
    });
    units.shuffle();
    const isFree = (partition: number, from: number, to: number): boolean =>
      home[partition]![0] === to || home[partition]![0] !== from;
    return {
      loads,
      find: (from, to, free, avoid) =>
        (free ? displaced : units)
          .of(from)
          .find(
            (partition) =>
              rows[partition]!.includes(to) && isFree(partition, from, to) === free && !avoid.includes(partition),
          ),
      hasFree: (from) => displaced.of(from).length > 0,
      move: (partition, from, to) => {
        const row = rows[partition]!;
        row[row.indexOf(to)] = from;
        row[0] = to;
        units.remove(from, partition);
        units.add(to, partition);
        displaced.remove(from, partition);
        if (home[partition]![0] !== to) displaced.add(to, partition);
        loads[from]!--;
        loads[to]!++;
      },
      // Who comes first among the replicas moves no data.
      moved: () => 0,
    };
  }

  /** The least number of replicas that must move for every node to have its share. */
  get movesNeeded(): number {
    const held = this.#shares.map(() => 0);
    for (const row of this.#home) for (const node of row) held[node]!++;
    return this.#shares.reduce((sum, share, node) => sum + Math.max(0, share - held[node]!), 0);
  }

  #moved(): number {
    return this.rows.reduce((sum, row, partition) => {
      return sum + row.reduce((count, node) => count + (this.#home[partition]!.includes(node) ? 0 : 1), 0);
    }, 0);
  }

  #mend(row: number[], replicas: number): void {
    while (row.length > replicas) this.#drop(row);
    while (row.length < replicas) this.#add(row);
    // What is fixed may keep a row from being spread.
    while (!this.#rules.isSpread(row) && this.#loosen(row));
  }

  #drop(row: number[]): void {
    const [worst] = this.#movable(row).sort(
      (a, b) => this.#crowding(row, b) - this.#crowding(row, a) || this.#compareFill(b, a),
    );
    row.splice(row.indexOf(worst!), 1);
    this.#loads[worst!]!--;
  }

  #add(row: number[]): void {
    let best: number | undefined;
    let least = Number.POSITIVE_INFINITY;
    this.#fleet.nodes.forEach((_, node) => {
      if (row.includes(node)) return;
      const crowding = this.#crowding(row, node);
      if (crowding < least || (crowding === least && this.#compareFill(node, best!) < 0)) {
        least = crowding;
        best = node;
      }
    });
    row.push(best!);
    this.#loads[best!]!++;
  }

  /** Moves one replica from where they crowd to where there is more room; false if none can. */
  #loosen(row: number[]): boolean {
    const takers = this.#fleet.nodes.map((_, node) => node).filter((node) => !row.includes(node));
    takers.sort((a, b) => this.#compareFill(a, b));
    for (const from of this.#movable(row).sort((a, b) => this.#compareFill(b, a))) {
      const to = takers.find((node) => this.#loosens(row, from, node));
      if (to === undefined) continue;
      this.#replace(row, from, to);
      return true;
    }
    return false;
  }

  #loosens(row: readonly number[], from: number, to: number): boolean {
    const { zoneOf, hostOf } = this.#fleet;
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

  #movable(row: readonly number[]): number[] {
    return row.slice(this.#fixed);
  }

  /** How many of the row's replicas share the node's zone and, second, its host. */
  #crowding(row: readonly number[], node: number): number {
    const { zoneOf, hostOf } = this.#fleet;
    let crowding = 0;
    for (const other of row) {
      if (zoneOf[other] === zoneOf[node]) crowding += 0x1_0000;
      if (hostOf[other] === hostOf[node]) crowding += 1;
    }
    return crowding;
  }

  /** Order by how much of its share a node has, least first. */
  #compareFill(a: number, b: number): number {
    return this.#loads[a]! / this.#shares[a]! - this.#loads[b]! / this.#shares[b]! || a - b;
  }
}
