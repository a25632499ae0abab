import { StoreError } from '@ferrite/errors';
import { sharesOf } from './fair-shares.ts';
import { levelOut } from './level-out.ts';
import { PARTITION_BITS_MAX } from './limits.ts';
import { PlacementDraft } from './placement-draft.ts';
import { type PlacementNode, preferenceList } from './rendezvous.ts';
import { type Fleet, fleetOf } from './spread.ts';

/** Per partition the ids of its nodes, primary first. */
export type PlacementTable = readonly (readonly string[])[];

/** What a placement is planned from. */
export interface PlacementInput {
  readonly nodes: readonly PlacementNode[];
  /** 1 to 65,536. */
  readonly partitionCount: number;
  /** Replicas per partition; fewer if there are fewer nodes. */
  readonly replicas: number;
  /** The table in force; the plan then moves as little as balance and spread allow. */
  readonly previous?: PlacementTable;
}

/**
 * Plans where each partition lives (P13): starts from the table in force, or from weighted rendezvous, and moves as few
 * replicas as it can until
 *
 * - every partition has its replicas in as many zones, then on as many hosts, as there are;
 * - every node holds its {@link fairShares}, and leads its part of what it holds, rounded up or down.
 *
 * The result depends on the input alone, not on the order of `nodes`. `ARGUMENT_INVALID` for no nodes, an id twice, a
 * weight that is not above 0, or counts out of range. The plan is published as a table; nobody recomputes it.
 */
export function planPlacement(input: PlacementInput): PlacementTable {
  const { partitionCount, previous } = input;
  const { fleet, replicas } = checked(input);
  const placeOf = new Map(fleet.nodes.map((node, place) => [node.id, place]));
  const rows = Array.from({ length: partitionCount }, (_, partition) => {
    const ids = previous?.[partition] ?? preferenceList(partition, fleet.nodes, replicas);
    return [...new Set(ids)].flatMap((id) => placeOf.get(id) ?? []);
  });

  const shares = sharesOf(fleet, partitionCount, replicas);
  const draft = new PlacementDraft(fleet, rows, shares, replicas);
  levelOut(draft.replicas(), shares);
  levelOut(
    draft.primaries(),
    draft.loads.map((load) => load / replicas),
  );
  return draft.rows.map((row) => row.map((node) => fleet.nodes[node]!.id));
}

/**
 * How many replicas each node ought to hold, by id: in proportion to its weight, as far as the spread over zones and
 * hosts leaves a choice (with three zones and three replicas each zone holds every partition, whatever its weight).
 */
export function fairShares(input: Omit<PlacementInput, 'previous'>): ReadonlyMap<string, number> {
  const { fleet, replicas } = checked(input);
  const shares = sharesOf(fleet, input.partitionCount, replicas);
  return new Map(fleet.nodes.map((node, place) => [node.id, shares[place]!]));
}

function checked(input: PlacementInput): { readonly fleet: Fleet; readonly replicas: number } {
  const { nodes, partitionCount, replicas } = input;
  if (nodes.length === 0) throw invalid('there are no nodes to place partitions on');
  if (!Number.isInteger(replicas) || replicas < 1) throw invalid('the number of replicas is not an integer above 0');
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > 2 ** PARTITION_BITS_MAX) {
    throw invalid(`the number of partitions is not an integer from 1 to ${2 ** PARTITION_BITS_MAX}`);
  }
  const ids = new Set<string>();
  for (const { id, weight } of nodes) {
    if (ids.has(id)) throw invalid(`node ${id} is named twice`);
    if (!(weight > 0 && Number.isFinite(weight))) throw invalid(`the weight of node ${id} is not a number above 0`);
    ids.add(id);
  }
  return { fleet: fleetOf(nodes), replicas: Math.min(replicas, nodes.length) };
}

function invalid(message: string): StoreError {
  return new StoreError('ARGUMENT_INVALID', { message });
}
