import { StoreError } from '@ferrite/errors';
import type { RecordKey } from './record-key.ts';
import type { ReplicaContext } from './replica-context.ts';
import { keyspaceById } from './replicas.ts';
import { partitionEpoch, type ReplicaSets, replicaSetsOf } from './topology-moves.ts';

/**
 * Where a request about a key goes, by one document. What is sent there carries its epoch, however late it is sent, and
 * nothing is acknowledged or told by it once this node knows a later one (INV-REPL-31): who moves the partition on counts on
 * nobody going by the old replicas who has confirmed the new ones (P14).
 */
export interface Route extends ReplicaSets {
  readonly partition: number;
  readonly epoch: number;
}

/** The route of the key now; none if its keyspace has been deleted. */
export function routeNow({ topology }: Pick<ReplicaContext, 'topology'>, at: RecordKey): Route | undefined {
  const document = topology();
  const keyspace = keyspaceById(document, at.keyspaceId);
  if (keyspace === undefined) return undefined;
  const partition = at.partition(document.partitionBits);
  const { read, write, all } = replicaSetsOf(document, keyspace, partition);
  return { partition, epoch: partitionEpoch(document, partition), read, write, all };
}

type Chosen = Pick<Route, 'partition' | 'epoch'>;

/** Whether this node knows of no later epoch of the partition. */
export function isCurrent({ topology }: Pick<ReplicaContext, 'topology'>, at: Chosen): boolean {
  return partitionEpoch(topology(), at.partition) === at.epoch;
}

/** Refuses, under the lock of a key, what was on its way here when the partition's epoch moved on. */
export function assertCurrent(node: Pick<ReplicaContext, 'topology'>, at: Chosen): void {
  if (isCurrent(node, at)) return;
  const epoch = partitionEpoch(node.topology(), at.partition);
  throw staleEpoch(at.epoch, epoch);
}

/** The refusal of what goes by epoch `sent` where `here` is known. */
export function staleEpoch(sent: number, here: number): StoreError {
  const message = `the sender's table is of epoch ${sent}, this node's of ${here}`;
  return new StoreError('TOPOLOGY_STALE', { message, details: { epoch: String(here) } });
}
