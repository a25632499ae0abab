import { createHash } from 'node:crypto';
import { StoreError } from '@ferrite/errors';
import type { TopologyDocument, TopologyStore } from '@ferrite/replication';

/** A topology store with what else all nodes of a cluster share. */
export interface ClusterStore extends TopologyStore, AsyncDisposable {
  /** The 32-byte key under which contexts are authenticated; made by whoever comes first. */
  clusterKey(): Uint8Array;
  /** What names this cluster; made with the key, and not a secret. */
  clusterId(): string;
  /** The last document this node has seen, for a start while the store is away. */
  remembered(): TopologyDocument | undefined;
  /** Why the store does not answer and for how long; undefined while it does. */
  away(): StoreAbsence | undefined;
}

export interface StoreAbsence {
  readonly why: string;
  /** Since it was found out. */
  readonly forMs: number;
}

export const CLUSTER_KEY_BYTES = 32;

/** The name of the cluster with this key. */
export function clusterIdOf(key: Uint8Array): string {
  return createHash('sha256').update('ferrite cluster id').update(key).digest('hex').slice(0, 16);
}

/** The key in hex as it is stored. `CONFIG_INVALID` if that is none; `where` says where it stands. */
export function parseClusterKey(hex: string, where: string): Uint8Array {
  const key = Buffer.from(hex.trim(), 'hex');
  if (key.byteLength === CLUSTER_KEY_BYTES) return key;
  throw new StoreError('CONFIG_INVALID', { message: `${where} is not a key of ${CLUSTER_KEY_BYTES} bytes in hex` });
}
