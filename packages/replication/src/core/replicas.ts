import { keyHash, partitionOf } from '@ferrite/hashing';
import type { PeerRequest } from './message.ts';
import type { Keyspace, TopologyDocument } from './topology.ts';
import { partitionEpoch, replicaSetsOf } from './topology-moves.ts';

/** The ids of a partition's replicas for a keyspace, in order of preference: read from the table, never computed (P13). */
export function replicasOf(document: TopologyDocument, keyspace: Keyspace, partition: number): readonly string[] {
  return replicaSetsOf(document, keyspace, partition).read;
}

/** The partition a key lies in. */
export function partitionOfKey(document: TopologyDocument, key: Uint8Array): number {
  return partitionOf(keyHash(key), document.partitionBits);
}

/** The keyspace of that id, if it exists still. */
export function keyspaceById(document: TopologyDocument, id: number): Keyspace | undefined {
  return document.keyspaces.find((keyspace) => keyspace.id === id);
}

/** The epoch that a request about a key names (P14). */
export function epochOfKey(document: TopologyDocument, key: Uint8Array): number {
  // Without a move there is one for all partitions.
  return document.moves.length === 0 ? document.tableEpoch : partitionEpoch(document, partitionOfKey(document, key));
}

/** The epoch that a request about several partitions names. */
export function epochOfAll(document: TopologyDocument, partitions: readonly number[]): number {
  if (document.moves.length === 0) return document.tableEpoch;
  return Math.max(document.tableEpoch, ...partitions.map((partition) => partitionEpoch(document, partition)));
}

/** The epoch that a request would name by this document: one with a lower one is refused. */
export function epochAsked(
  document: TopologyDocument,
  request: Exclude<PeerRequest, { readonly type: 'hello' | 'coordinate' | 'confirm' }>,
): number {
  if (document.moves.length === 0) return document.tableEpoch;
  if ('key' in request) return epochOfKey(document, request.key);
  return epochOfAll(document, 'partitions' in request ? request.partitions : [request.partition]);
}
