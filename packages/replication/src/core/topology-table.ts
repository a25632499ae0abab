import { StoreError } from '@ferrite/errors';
import { planPlacement } from '@ferrite/hashing';
import type { Keyspace, TopologyDocument, TopologyNode } from './topology.ts';
import { moveOf } from './topology-moves.ts';

/** Where a partition is going to lie without this plan: at the end of its open move, unless that has not begun. */
export function rowAhead(document: TopologyDocument, partition: number): readonly number[] {
  const move = moveOf(document, partition);
  return move === undefined || move.phase === 'waiting' ? document.table[partition]! : move.target;
}

/**
 * The rows in which the nodes ought to lie, by index, as near to the table ahead as balance allows. `heirs` take the
 * places of others; the first `fixed` replicas of each partition stay.
 */
export function targetTable(
  document: TopologyDocument,
  nodes: readonly TopologyNode[],
  keyspaces: readonly Keyspace[],
  { heirs, fixed = 0 }: { readonly heirs?: ReadonlyMap<string, string>; readonly fixed?: number } = {},
): readonly (readonly number[])[] {
  const holders = nodes.filter(({ state }) => state === 'active' || state === 'joining');
  if (holders.length === 0) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'no node would be left to hold the partitions' });
  }
  const places = new Map(nodes.map(({ id }, place) => [id, place]));
  const factors = keyspaces.map(({ replicationFactor, nextFactor }) => nextFactor ?? replicationFactor);
  const replicas = Math.max(...factors);
  const previous = document.table.map((_, partition) =>
    rowAhead(document, partition).map((index) => {
      const { id } = nodes[index]!;
      return heirs?.get(id) ?? id;
    }),
  );
  const smallerFactors = factors.filter((factor) => factor < replicas);
  const table = planPlacement({
    nodes: holders,
    partitionCount: previous.length,
    replicas,
    smallerFactors,
    previous,
    fixed,
  });
  return table.map((row) => row.map((id) => places.get(id)!));
}
