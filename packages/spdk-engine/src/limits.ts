/** Bytes of a key: 1 to this. */
export const KEY_BYTES_MAX = 1024;

/**
 * Bytes of a value: 0 to this. A record of the replication layer holds up to 16 MiB of siblings and their metadata; a
 * device formatted with small segments takes less and answers `VALUE_TOO_LARGE` beyond.
 */
export const VALUE_BYTES_MAX = 17 * 1024 * 1024;

/** Writes of one batch, at most. */
export const BATCH_WRITES_MAX = 4096;

/** Partitions are the top bits of a key's XXH64: 2^10 of them unless the image was formatted with another number. */
export const PARTITION_BITS_DEFAULT = 10;
/** An image has at most 2^16 partitions. */
export const PARTITION_BITS_MAX = 16;

/** Records in one page of a scan, at most. */
export const SCAN_RECORDS_MAX = 4096;
/** Bytes of keys and values after which a page of a scan ends, at most. */
export const SCAN_BYTES_MAX = 16 * 1024 * 1024;
