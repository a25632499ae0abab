export type { CallbackStore, OnDurable } from './callback-store.ts';
export { type Capabilities, type Capability, capabilities, type Limit } from './capabilities.ts';
export type { EngineConfig, SpdkConfig } from './config.ts';
export type { DamageReport, ScrubOptions, ScrubProgress } from './damage.ts';
export type { Engine } from './engine.ts';
export type { LatencySnapshot, LatencySummary } from './latency.ts';
export { latencyOfProcess } from './latency-of-process.ts';
export { BATCH_WRITES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts';
export type {
  Appended,
  AppendedBatch,
  BatchWrite,
  ObjectStore,
  PutRecord,
  ScanPage,
  ScanPageRequest,
  ScanPosition,
  ScanRequest,
  StoredRecord,
} from './object-store.ts';
export { openEngine } from './open-engine.ts';
export type { Damage, OpenReport } from './open-report.ts';
export { type Restored, restoreSnapshot } from './restore.ts';
export type { SnapshotOptions, SnapshotProgress } from './snapshot.ts';
export { type SnapshotSource, snapshotToFile, verifySnapshot } from './snapshot-file.ts';
export type { SnapshotDamage, SnapshotHeader, SnapshotReport } from './snapshot-format.ts';
export type { EngineStats } from './stats.ts';
