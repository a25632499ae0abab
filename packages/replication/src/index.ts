// The node: core, shell and ports.

// The machine inside, for simulators and other shells.
export type { Effect, ScanResult } from './core/effect.ts';
export type { ClientCommand, DamageReport, Event, KnownBoot, Registration, StorePage } from './core/event.ts';
export type { Claim, Liveness } from './core/membership/claim.ts';
export type { GossipMessage } from './core/membership/gossip-message.ts';
export type {
  CoordinatedOp,
  GetResult,
  Outcome,
  PeerRequest,
  PeerResponse,
  ScannedRecord,
  ScanPlace,
  Standing,
  WriteResult,
} from './core/message.ts';
export { decodeVersions, encodeVersions, type StoredValue, type Versions } from './core/record.ts';
export type { RecoveryStatus } from './core/recovery.ts';
export { ReplicaCore, type ReplicaCoreConfig, type ReplicaStatus, type StoreReport } from './core/replica-core.ts';
export { partitionOfKey, replicasOf } from './core/replicas.ts';
// The topology document.
export {
  type ConflictPolicy,
  type Consistency,
  type Durability,
  type Keyspace,
  type KeyspaceChoice,
  keyspaceNamed,
  type Move,
  type MovePhase,
  type NodeDescription,
  type NodeState,
  type TopologyChange,
  type TopologyDocument,
  type TopologyNode,
  type TopologyPlan,
  TTL_MS_MAX,
  type ZoneRule,
} from './core/topology.ts';
export { createKeyspace, deleteKeyspace, formTopology, updateKeyspace } from './core/topology-keyspaces.ts';
export {
  type MoveStep,
  partitionEpoch,
  type ReplicaSets,
  replicaSetsOf,
  rowOfReads,
  stepMoves,
} from './core/topology-moves.ts';
export { commitPlan, describePlan, discardPlan, type PlanReport, planChange } from './core/topology-plan.ts';
export { parseTopology, serializeTopology } from './core/topology-text.ts';
export type { Clock } from './ports/clock.ts';
export type { GossipTransport } from './ports/gossip-transport.ts';
export type { LocalStore, OnDurable } from './ports/local-store.ts';
export type { Random } from './ports/random.ts';
export type { ReplicaTransport } from './ports/replica-transport.ts';
export type { TopologyStore } from './ports/topology-store.ts';
export { openReplicaNode } from './shell/replica-node.ts';
export type {
  GetCommand,
  KnownKeyspace,
  ReplicaCalls,
  ReplicaNode,
  ReplicaNodeConfig,
  ReplicaPorts,
  ScanCommand,
  ScanCursor,
  ScanPageResult,
  Then,
  WriteCommand,
} from './shell/replica-node-api.ts';
