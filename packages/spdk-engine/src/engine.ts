import type { StoreError } from '@ferrite/errors';
import type { LatencySnapshot } from './latency.ts';
import type { ObjectStore } from './object-store.ts';
import type { OpenReport } from './open-report.ts';
import type { EngineStats } from './stats.ts';

/** An open image. One process at a time has it; `close` (or `await using`) gives it back. */
export interface Engine extends ObjectStore, AsyncDisposable {
  /** What opening found. */
  readonly report: OpenReport;
  /** Counters of this moment. */
  stats(): EngineStats;
  /** How long operations took since opening; also after `close`. Read from shared memory, the engine is not asked. */
  latency(): LatencySnapshot;
  /** Settles (never rejects) with the reason if the device fails and the engine stops for good. */
  readonly failed: Promise<StoreError>;
  /** Refuses new work, makes what was accepted durable, marks the image clean and unlocks it. Idempotent. */
  close(): Promise<void>;
}
