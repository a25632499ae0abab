import { keyHash, partitionOf } from '@ferrite/hashing';
import type { Keyspace, TopologyDocument } from './topology.ts';
import { replicaSetsOf } from './topology-moves.ts';

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
