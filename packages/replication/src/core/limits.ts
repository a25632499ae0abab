/** Limits of the core. Bytes, counts and milliseconds as the names say. */

/** A scan that has too few answers asks one more replica after this pause. */
export const HEDGE_AFTER_MS = 50;

/** A get that has too few answers, and may not be hedged early any more, asks one more replica after this further pause. */
export const HEDGE_ANYHOW_MS = 150;

/** A peer that answers Hello later than this counts as unreachable for the start. */
export const HELLO_TIMEOUT_MS = 1_000;

/** A topology store that takes longer than this to register a boot counts as away. */
export const REGISTER_TIMEOUT_MS = 10_000;

/** How long a request waits for the newest topology when it names a keyspace this node has not heard of. */
export const TOPOLOGY_WAIT_MS = 500;

/** Pause before registration, or a transfer, is tried again. */
export const RETRY_AFTER_MS = 500;

/** Pause before the node's own record, which the device had no room for, is written again. */
export const SYSTEM_RETRY_MS = 50;

/** Recovery: partitions and pages in flight at once, and the size of a page. */
export const TRANSFERS_MAX = 16;
export const TRANSFER_PAGE_RECORDS = 256;
export const TRANSFER_PAGE_BYTES: number = 1024 * 1024;
export const TRANSFER_TIMEOUT_MS = 10_000;

/** Keyspace 0 belongs to the node itself; clients' keyspaces start at 1. */
export const SYSTEM_KEYSPACE = 0;
