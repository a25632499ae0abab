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
  readonly gets: number;
  readonly scans: number;
  /** Groups of appends written, each with one flush. */
  readonly groups: number;
  readonly seals: number;
  readonly flushes: number;
  readonly writtenBytes: number;
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
