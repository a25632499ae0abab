/** Counters of an engine at one moment. */
export interface EngineStats {
  /** Keys with a record. */
  readonly records: number;
  /** Bytes of the live records in the log. */
  readonly liveBytes: number;
  /** Bytes of the device that can hold records. */
  readonly capacityBytes: number;
  /** Bytes that appends may still take before `DEVICE_FULL`. */
  readonly freeBytes: number;
}
