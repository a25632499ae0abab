export { type BatchResult } from './batch.ts';
export { type Client, type ClientConfig, openClient } from './client.ts';
export { type KeyspaceSettings, type Keyspaces } from './keyspaces.ts';
export {
  type EngineStatus,
  type NodeState,
  type NodeStatus,
  type PeerState,
  type RepairState,
  type ScrubState,
  type TimeState,
} from './node-states.ts';
export { equalBytes, type OneValue, oneValue } from './one-value.ts';
export type { NewNode, Plan, Plans, TopologyChange } from './plans.ts';
export type { Session, SessionWriteOptions } from './session.ts';
export { type Keyspace, type Member, type Topology } from './topology.ts';
export {
  type BatchOp,
  type CallOptions,
  type Consistency,
  type Durability,
  type GetOptions,
  type GetResult,
  type PutOptions,
  type ScanOptions,
  type ScanRecord,
  type Sibling,
  type WriteOptions,
  type WriteResult,
} from './types.ts';
