/** One load on a node, as told to the client process. */
export interface RpcLoad {
  readonly transport: 'fabric' | 'connect';
  readonly operation: 'get' | 'put';
  readonly inFlight: number;
  readonly seconds: number;
}

export const RPC_KEYSPACE = 'default';
export const RPC_KEYS = 10_000;
export const RPC_VALUE: Uint8Array = new Uint8Array(1024).fill(0x5a);

export function rpcKey(number: number): Uint8Array {
  return Buffer.from(`key:${String(number).padStart(12, '0')}`);
}
