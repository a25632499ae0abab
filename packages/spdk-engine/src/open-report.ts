import type { Reason } from '@ferrite/errors';

/** Something acknowledged that can no longer be read. What is absent is unknown: then any record may be concerned. */
export interface Damage {
  readonly keyspace?: number;
  readonly partition?: number;
  readonly reason: Reason;
}

/** What opening an image found: all that a replica needs to know whether it may still answer for its partitions. */
export interface OpenReport {
  /** A new image was formatted: nothing was ever stored here. */
  readonly created: boolean;
  /** The last user closed the image in good order; true for a new image. */
  readonly clean: boolean;
  /** `ambiguous`: the last group of an unclean log may have lost acknowledged records (reason `TAIL_AMBIGUOUS`). */
  readonly tail: 'sealed' | 'ambiguous';
  /** The driver in use. */
  readonly deviceKind: 'memory' | 'uring' | 'pool' | 'spdk';
  /** Why `auto` did not choose io_uring. */
  readonly driverFallbackReason?: string;
  /** What a settled `durable` promise means on this device, in one sentence. */
  readonly durability: string;
  /** Whether it survives the loss of power, as far as the device can be asked. */
  readonly deviceDurable: boolean;
  /** Random identity of the image, drawn when it was formatted: 32 hexadecimal digits. */
  readonly imageId: string;
  /** How often the image was opened, this time included; durable before `openEngine` returns. */
  readonly bootCount: number;
  readonly sizeBytes: number;
  readonly segmentBytes: number;
  readonly partitionBits: number;
  /** The longest value this image takes. */
  readonly valueBytesMax: number;
  /** Bytes of the log that the writes of a batch may take: each 48, its key and its value, rounded up to 16. */
  readonly batchBytesMax: number;
  readonly records: number;
  /** Bytes of the live records in the log, headers included. */
  readonly recordBytes: number;
  /** The sequence of the next append. */
  readonly nextSequence: number;
  readonly replayMs: number;
  /** An index checkpoint was read, so that only the log behind it had to be. */
  readonly fromCheckpoint: boolean;
  /** Records and bytes of the log that were read again. */
  readonly replayedRecords: number;
  readonly replayedBytes: number;
  /** Damaged places from which every record could still be recovered. */
  readonly salvaged: number;
  readonly damaged: readonly Damage[];
}
