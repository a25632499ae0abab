import { keyHash } from '@ferrite/hashing';
import { latin1 } from '../core/bytes.ts';
import { bucketOf, leafHash, MerkleTree } from '../core/merkle.ts';
import { decodeVersions } from '../core/record.ts';
import { replicasOf } from '../core/replicas.ts';
import type { TopologyDocument } from '../core/topology.ts';
import { keepsPartition } from '../core/topology-moves.ts';
import type { SimNode } from './sim-node.ts';

/** Partitions whose replicas do not hold the same, judged by what lies on their disks. */
export function divergences(nodes: readonly SimNode[], topology: TopologyDocument): readonly string[] {
  const found: string[] = [];
  for (const { partition, keyspaceId, replicas } of placements(nodes, topology)) {
    const roots = new Set(replicas.map((node) => rootOnDisk(node, partition, keyspaceId, topology)));
    if (roots.size > 1) found.push(`partition ${partition}: ${replicas.map(({ id }) => id).join(', ')} differ`);
  }
  return found;
}

/** Trees that claim to be in step with what lies on the disk, and are not (INV-REPL-12). */
export function checkTrees(nodes: readonly SimNode[], topology: TopologyDocument): readonly string[] {
  return placements(nodes, topology).flatMap(({ partition, keyspaceId, replicas }) =>
    replicas.flatMap((node) => {
      const root = node.treeRoot(partition, keyspaceId);
      if (root === undefined || root === rootOnDisk(node, partition, keyspaceId, topology)) return [];
      return [`${node.id}: the tree of partition ${partition} is not that of its records`];
    }),
  );
}

/** Moves that are not done. */
export function openMoves(document: TopologyDocument, nodes: readonly SimNode[]): readonly string[] {
  const names = (row: readonly number[]): string => row.map((index) => document.nodes[index]!.id).join(' ');
  return document.moves
    .filter(({ phase }) => phase !== 'done')
    .map(({ partition, phase, target }) => {
      const way = `from ${names(document.table[partition]!)} to ${names(target)}`;
      const told = nodes.map(({ id, status }) => `${id}: ${status?.moves.stalled ?? 'down'}`);
      return `the move of partition ${partition} ${way} stays at ${phase} (${told.join('; ')})`;
    });
}

/** Records on disks of nodes that have no part in their partition (P14). */
export function leftBehind(nodes: readonly SimNode[], topology: TopologyDocument): readonly string[] {
  return topology.keyspaces.flatMap((keyspace) =>
    Array.from(topology.table.keys()).flatMap((partition) =>
      nodes
        .filter(({ id }) => !keepsPartition(topology, keyspace, partition, id))
        .filter(({ disk }) => disk.records(keyspace.id, partition).length > 0)
        .map(({ id }) => `${id} holds records of partition ${partition}, which is not its own`),
    ),
  );
}

/** Records without values that a disk still holds (P8). */
export function tombstones(nodes: readonly SimNode[]): readonly string[] {
  return nodes.flatMap((node) =>
    node.disk
      .all()
      .filter(({ value }) => decodeVersions(value).siblings.length === 0)
      .map(({ key }) => `${node.id} holds a tombstone of ${latin1(key)}: ${JSON.stringify(node.status?.forgetting)}`),
  );
}

interface Placed {
  readonly partition: number;
  readonly keyspaceId: number;
  readonly replicas: readonly SimNode[];
}

function placements(nodes: readonly SimNode[], topology: TopologyDocument): readonly Placed[] {
  return topology.keyspaces.flatMap((keyspace) =>
    topology.table.map((_, partition) => {
      const ids = replicasOf(topology, keyspace, partition);
      return { partition, keyspaceId: keyspace.id, replicas: nodes.filter(({ id }) => ids.includes(id)) };
    }),
  );
}

function rootOnDisk(node: SimNode, partition: number, keyspaceId: number, topology: TopologyDocument): bigint {
  const tree = new MerkleTree();
  for (const { key, value } of node.disk.records(keyspaceId, partition))
    tree.toggle(bucketOf(keyHash(key), topology.partitionBits), leafHash(key, value));
  return tree.root;
}
