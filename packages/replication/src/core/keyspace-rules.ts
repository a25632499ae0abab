import { StoreError } from '@ferrite/errors';
import type { Keyspace, TopologyDocument } from './topology.ts';

/**
 * Whether the nodes can hold the keyspace as it asks to be held. With the zone rule `require` no two replicas of a key are in
 * one zone. `ARGUMENT_INVALID` says what is lacking.
 */
export function checkZones(document: TopologyDocument, keyspace: Keyspace): void {
  if (keyspace.zoneRule !== 'require') return;
  const { nodes, table } = document;
  const crowded = table.filter((row) => {
    const replicas = row.slice(0, keyspace.replicationFactor);
    return new Set(replicas.map((index) => nodes[index]!.zone)).size < replicas.length;
  });
  if (crowded.length === 0) return;
  const zones = new Set(nodes.map(({ zone }) => zone)).size;
  throw new StoreError('ARGUMENT_INVALID', {
    message:
      `keyspace "${keyspace.name}" requires ${keyspace.replicationFactor} zones, and ${crowded.length} of ${table.length} ` +
      `partitions have replicas in one zone: there are nodes in ${zones}. Add zones, ask for fewer replicas, or use the zone rule "prefer"`,
  });
}

/**
 * Whether the replication factor may change without a move: only if no partition gets or loses a replica by it, as where there
 * are fewer nodes than either factor. A replica that is added must be filled before it counts, and one that goes may hold what
 * only it and another have (P14).
 */
export function checkFactor(document: TopologyDocument, present: Keyspace, wanted: number): void {
  const before = present.replicationFactor;
  const { nodes, table, moves } = document;
  const differ = (room: number): boolean => Math.min(wanted, room) !== Math.min(before, room);
  const holders = nodes.filter(({ state }) => state === 'active' || state === 'joining').length;
  const open = moves.some(
    ({ target, onward }) => differ(target.length) || (onward !== undefined && differ(onward.length)),
  );
  // Rows are as long as the largest factor in use asks for, where there are nodes enough.
  const moved = differ(holders) || open ? table.length : table.filter((row) => differ(row.length)).length;
  if (moved === 0) return;
  const why =
    wanted > before
      ? `${moved} partitions would get a replica that holds nothing yet`
      : `${moved} partitions would lose a replica that may hold what a quorum was promised`;
  throw new StoreError('ARGUMENT_INVALID', {
    message:
      `the replication factor of "${present.name}" cannot go from ${before} to ${wanted} in place: ${why}. ` +
      `Change it by a plan, which moves them: ferrite node plan-factor ${present.name} ${wanted}`,
  });
}
