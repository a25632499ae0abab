import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import type { Client } from '@ferrite/client';
import { openFabricTransport } from '@ferrite/net';
import { ReplicaService } from '@ferrite/proto/replica';

const PARTITIONS_TOGETHER = 64;
const POLL_MS = 500;

/**
 * Waits until all replicas of all partitions tell the same Merkle root, and gives how long that took, in milliseconds;
 * undefined if it does not happen in time.
 */
export async function untilRootsEqual(client: Client, withinMs: number): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < withinMs) {
    if (await rootsEqual(client)) return performance.now() - startedAt;
    await sleep(POLL_MS);
  }
  return undefined;
}

async function rootsEqual(client: Client): Promise<boolean> {
  const { members, partitions, keyspaces, epoch } = await client.topology();
  const factor = Math.max(...keyspaces.map(({ replicationFactor }) => replicationFactor));
  const told = new Map<string, bigint[]>();
  for (const [index, { fabricAddress }] of members.entries()) {
    await using transport = openFabricTransport({ address: fabricAddress });
    const replica = createClient(ReplicaService, transport);
    const own = [...partitions.keys()].filter((partition) => partitions[partition]!.slice(0, factor).includes(index));
    for (let from = 0; from < own.length; from += PARTITIONS_TOGETHER) {
      const { roots } = await replica.treeRoots({ epoch, partitions: own.slice(from, from + PARTITIONS_TOGETHER) });
      for (const { partition, keyspaceId, root } of roots) {
        const name = `${keyspaceId}/${partition}`;
        told.set(name, [...(told.get(name) ?? []), root]);
      }
    }
  }
  return keyspaces.every(({ id, replicationFactor }) =>
    partitions.every((row, partition) => {
      const roots = told.get(`${id}/${partition}`) ?? [];
      return roots.length >= Math.min(replicationFactor, row.length) && new Set(roots).size === 1;
    }),
  );
}
