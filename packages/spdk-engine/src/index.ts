export type { Engine } from './engine.ts';
export type {
  Appended,
  ObjectStore,
  PutRecord,
  ScanPage,
  ScanPageRequest,
  ScanPosition,
  ScanRequest,
  StoredRecord,
} from './object-store.ts';
export type { DamagedExtent, OpenReport } from './open-report.ts';
export type { EngineStats } from './stats.ts';
