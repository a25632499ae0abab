import { seededHash } from './key-hash.ts';
import type { Fleet } from './spread.ts';
import { mix } from './unit-lists.ts';

/**
 * Weighted rendezvous (see `rendezvousOrder`) for whole tables: the id of a node is hashed once, and mixed with each
 * partition in 32 bits. A plan starts from these ranks and is published as a table, so nobody else needs them.
 */
export class Ranks {
  readonly #fleet: Fleet;
  readonly #seeds: readonly number[];

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#seeds = fleet.nodes.map(({ id }) => Number(seededHash(id, 0n) & 0xffff_ffffn));
  }

  /** The row with the best nodes added until it has `replicas`: from the least crowded zone, then host. */
  extend(row: readonly number[], partition: number, replicas: number): number[] {
    const { nodes, zoneOf, hostOf } = this.#fleet;
    // The time until a node's turn, exponential by its weight: the least is the best, as in a race.
    const times = nodes.map(({ weight }, node) => {
      const u = (mix(partition, this.#seeds[node]!) + 0.5) / 2 ** 32;
      return -Math.log(u) / weight;
    });
    const extended = [...row];
    while (extended.length < replicas) {
      let best = -1;
      let least = Number.POSITIVE_INFINITY;
      for (let node = 0; node < nodes.length; node++) {
        if (extended.includes(node)) continue;
        let crowding = 0;
        for (const other of extended) {
          if (zoneOf[other] === zoneOf[node]) crowding += 0x1_0000;
          if (hostOf[other] === hostOf[node]) crowding += 1;
        }
        if (crowding > least || (crowding === least && times[node]! >= times[best]!)) continue;
        best = node;
        least = crowding;
      }
      extended.push(best);
    }
    return extended;
  }
}
