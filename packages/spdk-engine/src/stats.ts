/** Gauges of this moment, and counters since the engine was opened; not one consistent snapshot. */
export interface EngineStats {
  /** Keys with a record. */
  readonly records: number;
  /** Bytes of the live records in the log, headers included. */
  readonly recordBytes: number;
  readonly segmentsTotal: number;
  readonly segmentsFree: number;
  /** Bytes still open to appends; the reserve for removes is not among them. */
  readonly freeBytes: number;
  readonly appends: number;
  readonly removes: number;
  /** Records that compaction removed because their time had passed; until then they count as records. */
  readonly expired: number;
  readonly gets: number;
  readonly scans: number;
  /** Groups of appends written, each with one flush. */
  readonly groups: number;
  readonly seals: number;
  readonly flushes: number;
  /** Given to the device in all. (writtenBytes - preparedBytes) / userBytes is the write amplification. */
  readonly writtenBytes: number;
  /** Keys and values of durable appends and removes. */
  readonly userBytes: number;
  /** Written by compaction. */
  readonly movedBytes: number;
  /** Written for index checkpoints, and how many of them became whole. */
  readonly checkpointBytes: number;
  readonly checkpoints: number;
  /** Zeros written ahead of the log, once for each segment of a new file. */
  readonly preparedBytes: number;
  readonly readBytes: number;
  readonly deviceReads: number;
  /** Memory of the index. */
  readonly indexBytes: number;
  readonly checksumFailures: number;
  /** Appends refused with `DEVICE_FULL`. */
  readonly refusedFull: number;
  /** Operations refused with `OVERLOADED`. */
  readonly refusedOverloaded: number;
}
