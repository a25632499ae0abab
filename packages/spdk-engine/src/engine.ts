import type { StoreError } from '@ferrite/errors';
import type { CallbackStore } from './callback-store.ts';
import type { DamageReport, ScrubOptions, ScrubProgress } from './damage.ts';
import type { LatencySnapshot } from './latency.ts';
import type { ObjectStore } from './object-store.ts';
import type { OpenReport } from './open-report.ts';
import type { SnapshotOptions } from './snapshot.ts';
import type { SnapshotReport } from './snapshot-format.ts';
import type { EngineStats } from './stats.ts';

/** An open image. One process at a time has it; `close` (or `await using`) gives it back. */
export interface Engine extends ObjectStore, AsyncDisposable {
  /** What opening found. */
  readonly report: OpenReport;
  /** The same store without promises. */
  readonly calls: CallbackStore;
  /** Counters of this moment. */
  stats(): EngineStats;
  /**
   * Everything as of one moment between the first read and the end, while writes go on; see `SNAPSHOT.md` for the bytes.
   * Blocks of up to 1 MiB that belong to the reader, read at the reader's pace; stop early with `break`. One at a time.
   * The generator's return value is the report, which `verifySnapshot` also gives of the bytes.
   *
   * Throws `ARGUMENT_INVALID` when `since` lies beyond the image's last sequence; `OVERLOADED` when another snapshot is
   * being taken, or when so much changes meanwhile that the reader does not keep up; `signal.reason`; and what reading
   * throws. Records that cannot be read are left out and named in the report.
   */
  snapshot(options?: SnapshotOptions): AsyncGenerator<Uint8Array, SnapshotReport, undefined>;
  /**
   * Reads everything the image holds once, at a bounded rate beside the work of others, and has `damage()` name what
   * cannot be read back; with damage in the checkpoint only opening gets slower. One pass at a time.
   *
   * Rejects with `ARGUMENT_INVALID`; `OVERLOADED` while another pass is under way; `signal.reason`; `SHUTTING_DOWN` when
   * the engine is closed meanwhile; `DEVICE_FAILED`.
   */
  scrub(options?: ScrubOptions): Promise<ScrubProgress>;
  /**
   * Damage, by whomever it is found: by opening, reads, scrub or compaction. Every consumer gets every report from when
   * it begins to iterate; what was found before anybody did waits for the first. Ends when the engine is closed; does not
   * keep the process alive.
   */
  damage(): AsyncGenerator<DamageReport, void, undefined>;
  /** How long operations took since opening; also after `close`. Read from shared memory, the engine is not asked. */
  latency(): LatencySnapshot;
  /** Settles (never rejects) with the reason if the device fails and the engine stops for good. */
  readonly failed: Promise<StoreError>;
  /** Refuses new work, makes what was accepted durable, marks the image clean and unlocks it. Idempotent. */
  close(): Promise<void>;
}
