import type { Reason } from '@ferrite/errors';

/** Stored bytes that could not be read back when the image was opened. */
export interface DamagedExtent {
  readonly keyspace: number;
  /** Absent when the damage hides which partition was hit: then every partition of the keyspace may miss records. */
  readonly partition?: number;
  readonly reason: Reason;
}

/** What `openEngine` found, all that a replica needs to know whether it may still answer for its partitions. */
export interface OpenReport {
  /** A new image was formatted: nothing was ever stored here. */
  readonly created: boolean;
  /** The last user closed the image in good order. */
  readonly clean: boolean;
  /** `ambiguous`: the last group of an unclean log may have lost acknowledged records (reason `TAIL_AMBIGUOUS`). */
  readonly tail: 'sealed' | 'ambiguous';
  /** The driver in use. */
  readonly deviceKind: 'memory' | 'uring' | 'pool';
  /** Why `auto` did not choose io_uring. */
  readonly driverFallbackReason?: string;
  /** What a settled `durable` promise means on this device: `power-loss`, `process-exit` (a cache may lie below), `none` (RAM). */
  readonly durability: string;
  readonly records: number;
  /** Bytes of the live records in the log. */
  readonly bytes: number;
  readonly nextSequence: number;
  readonly replayMs: number;
  readonly damaged: readonly DamagedExtent[];
}
