/** Time an operation may take unless the caller says otherwise, in milliseconds. */
export const TIMEOUT_MS_DEFAULT = 10_000;

/**
 * The longest one attempt may take while the operation has time for another, in milliseconds: a node that hangs costs
 * this much and no more.
 */
export const ATTEMPT_MS_MAX = 5_000;

/** How long a node may take to give the topology or its status, in milliseconds. */
export const CONTROL_MS_MAX = 3_000;

/** A node that could not be reached is asked last for this long, in milliseconds. */
export const NODE_REST_MS = 1_000;

/** A node whose fabric port could not be reached is called over Connect for this long, in milliseconds. */
export const FABRIC_REST_MS = 5_000;

/** Background refreshes of the topology are at least this far apart, in milliseconds. */
export const REFRESH_INTERVAL_MS = 1_000;

/** The client looks for a newer topology this often after a change, and at last this rarely, in milliseconds. */
export const WATCH_MS_MIN = 1_000;
export const WATCH_MS_MAX = 10_000;

/** Connections to a node that left the topology are closed after this time, in milliseconds: no call takes longer. */
export const RETIRE_MS: number = 2 * ATTEMPT_MS_MAX;

/** A scan that brings nothing for this long goes on at another node, in milliseconds. */
export const SCAN_IDLE_MS = 30_000;

/** A scan gives up after this many failures in a row without a record between them. */
export const SCAN_FAILURES_MAX = 6;

/** Keys whose last context a client remembers. */
export const CONTEXTS_REMEMBERED = 4_096;

/** Operations and bytes (keys and values) of one Batch message; larger batches travel as several. */
export const BATCH_OPS_MAX = 512;
export const BATCH_BYTES_MAX = 8 * 1024 * 1024;
