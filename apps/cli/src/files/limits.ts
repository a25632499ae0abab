/** A larger file is not imported: values are at most this long, in bytes. */
export const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** A longer path is not imported: keys are at most this long, in bytes. */
export const PATH_BYTES_MAX = 1024;

/** Linux: one name of a path, and a whole path with its closing NUL, in bytes. */
export const NAME_BYTES_MAX = 255;
export const FULL_PATH_BYTES_MAX = 4095;

/** Files worked on at a time, and their bytes together. */
export const FILES_IN_FLIGHT_MAX = 64;
export const BYTES_IN_FLIGHT_MAX = 64 * 1024 * 1024;

/** How long one file is tried again while the cluster cannot take it, in milliseconds. */
export const FILE_RETRY_MS_MAX = 30_000;
