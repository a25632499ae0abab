import { StoreError } from '@ferrite/errors';
import { sharesOf } from './fair-shares.ts';
import { levelOut } from './level-out.ts';
import { PARTITION_BITS_MAX } from './limits.ts';
import { PlacementDraft } from './placement-draft.ts';
import { Ranks } from './ranks.ts';
import type { PlacementNode } from './rendezvous.ts';
import { type Fleet, fleetOf } from './spread.ts';

/** How many times the moves that cannot be avoided may serve exact balance. */
const THRIFT = 1.02;
/** How far from its share a node may stay where more balance would cost moves beyond that. */
const TOLERANCE = 0.05;

/** Per partition the ids of its nodes, primary first. */
export type PlacementTable = readonly (readonly string[])[];

/** What a placement is planned from. */
export interface PlacementInput {
  readonly nodes: readonly PlacementNode[];
  /** 1 to 65,536. */
  readonly partitionCount: number;
  /** Replicas per partition; fewer if there are fewer nodes. */
  readonly replicas: number;
  /**
   * Factors below `replicas` that are in use as well: the first so many replicas of each partition are then spread and
   * balanced too.
   */
  readonly smallerFactors?: readonly number[];
  /** The table in force; the plan then moves as little as balance and spread allow. */
  readonly previous?: PlacementTable;
  /** The first so many replicas of each row in force stay as they are; 0 if left out. */
  readonly fixed?: number;
}

/**
 * Plans where each partition lives (P13): starts from the table in force, or from weighted rendezvous, and moves as few
 * replicas as it can until
 *
 * - every partition has its replicas in as many zones, then on as many hosts, as there are;
 * - every node holds its {@link fairShares}, and leads its part of what it holds, rounded up or down; where that would
 *   cost moves beyond those that cannot be avoided, up to 5 % more or less.
 *
 * The result depends on the input alone, not on the order of `nodes`. `ARGUMENT_INVALID` for no nodes, an id twice, a
 * weight that is not above 0, or counts out of range. The plan is published as a table; nobody recomputes it.
 */
export function planPlacement(input: PlacementInput): PlacementTable {
  const { partitionCount, previous } = input;
  const { fleet, factors } = checked(input);
  const placeOf = new Map(fleet.nodes.map((node, place) => [node.id, place]));
  const given = previous?.map((row) => [...new Set(row)].flatMap((id) => placeOf.get(id) ?? []));
  const ranks = new Ranks(fleet);
  const { fixed: stays = 0 } = input;
  let rows: number[][] = Array.from({ length: partitionCount }, (_, at) => given?.[at]?.slice(0, stays) ?? []);
  for (const replicas of factors.filter((factor) => factor > stays)) {
    // The replicas of a smaller factor come first and stay; those of the table in force come next, then the best by rank.
    const fixed = rows[0]!.length;
    rows = rows.map((row, partition) => {
      const known = given?.[partition];
      if (known === undefined) return ranks.extend(row, partition, replicas);
      const kept = known.slice(0, replicas).filter((node) => !row.includes(node));
      return [...row, ...kept].slice(0, Math.max(replicas, fixed));
    });
    const shares = sharesOf(fleet, partitionCount, replicas);
    const draft = new PlacementDraft(fleet, rows, { shares, replicas, fixed, isInForce: previous !== undefined });
    levelOut(draft.replicas(), shares, { movesMax: THRIFT * draft.movesNeeded, tolerance: TOLERANCE });
    if (fixed === 0) {
      const leads = draft.loads.map((load) => load / replicas);
      levelOut(draft.primaries(), leads, { movesMax: Number.POSITIVE_INFINITY, tolerance: 0 });
    }
    rows = draft.rows;
  }
  return rows.map((row) => row.map((node) => fleet.nodes[node]!.id));
}

/**
 * How many replicas each node ought to hold, by id: in proportion to its weight, as far as the spread over zones and
 * hosts leaves a choice (with three zones and three replicas each zone holds every partition, whatever its weight).
 */
export function fairShares(input: Omit<PlacementInput, 'previous' | 'fixed'>): ReadonlyMap<string, number> {
  const { fleet, replicas } = checked(input);
  const shares = sharesOf(fleet, input.partitionCount, replicas);
  return new Map(fleet.nodes.map((node, place) => [node.id, shares[place]!]));
}

function checked(input: PlacementInput): {
  readonly fleet: Fleet;
  readonly replicas: number;
  readonly factors: readonly number[];
} {
  const { nodes, partitionCount, replicas } = input;
  const smaller = input.smallerFactors ?? [];
  if (nodes.length === 0) throw invalid('there are no nodes to place partitions on');
  if (![replicas, ...smaller].every((factor) => Number.isInteger(factor) && factor >= 1 && factor <= replicas))
    throw invalid('a number of replicas is not an integer above 0, or a smaller factor is not smaller');
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > 2 ** PARTITION_BITS_MAX) {
    throw invalid(`the number of partitions is not an integer from 1 to ${2 ** PARTITION_BITS_MAX}`);
  }
  const ids = new Set<string>();
  for (const { id, weight } of nodes) {
    if (ids.has(id)) throw invalid(`node ${id} is named twice`);
    if (!(weight > 0 && Number.isFinite(weight))) throw invalid(`the weight of node ${id} is not a number above 0`);
    ids.add(id);
  }
  const factors = new Set([...smaller, replicas].map((factor) => Math.min(factor, nodes.length)));
  return {
    fleet: fleetOf(nodes),
    replicas: Math.min(replicas, nodes.length),
    factors: [...factors].sort((a, b) => a - b),
  };
}

function invalid(message: string): StoreError {
  return new StoreError('ARGUMENT_INVALID', { message });
}
