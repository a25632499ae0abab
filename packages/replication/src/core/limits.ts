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
/** The same while clients have much in flight: they wait behind each page. */
export const BUSY_PAGE_RECORDS = 32;
export const TRANSFER_PAGE_BYTES: number = 1024 * 1024;
export const TRANSFER_TIMEOUT_MS = 10_000;

/** Single records a node knows it cannot read; with more, their partitions recover as a whole. */
export const UNREADABLE_MAX = 1_024;

/** The engine names what a page left out within this time, if it can. */
export const DAMAGE_NAMED_WITHIN_MS = 1_000;

/** Confirmations that wait until this node's boot is registered. */
export const VERIFY_WAITERS_MAX = 4_096;

/** Hints for one peer, and the bytes of their keys; beyond, anti-entropy finds what the peer lacks. */
export const HINTS_MAX = 10_240;
export const HINT_BYTES_MAX: number = 1024 * 1024;
/** Hints stored together, and how long they wait for company. */
export const HINT_BLOCK_MAX = 256;
export const HINTS_WRITE_AFTER_MS = 100;
/** The same where a write waits for the hint to be stored. */
export const HINTS_STORED_AFTER_MS = 2;

/** Pause between two rounds of forgetting: a tombstone lives for one at least, for two at most while all replicas answer. */
export const FORGET_EVERY_MS = 60_000;
/** Tombstones that wait, and that one question names. */
export const TOMBSTONES_MAX = 65_536;
export const FORGET_RECORDS_MAX = 256;

/**
 * Expired values: pause between two looks, how long past expiry they become tombstones, and how far a clock may be from
 * those of the peers for that (P16).
 */
export const EXPIRY_EVERY_MS = 60_000;
export const EXPIRY_GRACE_MS = 600_000;
export const EXPIRY_CLOCK_OFF_MS_MAX = 60_000;

/** Merkle trees built at once. */
export const TREE_BUILDS_MAX = 4;

/** Anti-entropy: pause between two rounds, and partitions of one question for roots. */
export const ANTI_ENTROPY_EVERY_MS = 10_000;
export const ROOTS_PARTITIONS_MAX = 64;
/** Partitions walked, and records of a bucket merged, at once; leaves in one answer. */
export const WALKS_MAX = 4;
export const MERGES_MAX = 16;
export const LEAVES_MAX = 1_024;

/** Keyspace 0 belongs to the node itself; clients' keyspaces start at 1. */
export const SYSTEM_KEYSPACE = 0;

/** Memory of a node for the records that were written or read last. */
export const CACHE_BYTES: number = 64 * 1024 * 1024;

/** Pause between two looks at the moves of partitions. */
export const MOVE_TICK_MS = 250;

/** Partitions that move at the same time, in the whole cluster. */
export const MOVES_IN_FLIGHT_MAX = 64;
