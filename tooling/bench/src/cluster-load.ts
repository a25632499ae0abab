/** One load on a cluster, as told to the client process. */
export interface ClusterLoad {
  readonly operation: 'put' | 'overwrite' | 'get';
  readonly inFlight: number;
  readonly seconds: number;
  /** How many keys there are before the first load; {@link CLUSTER_KEYS} when absent. The same in each load of a client. */
  readonly keys?: number;
}

export const CLUSTER_KEYSPACE = 'default';
export const CLUSTER_KEYS = 65_536;
export const CLUSTER_VALUE: Uint8Array = new Uint8Array(1024).fill(0x5a);

export function clusterKey(number: number): Uint8Array {
  return Buffer.from(`key:${String(number).padStart(12, '0')}`);
}
