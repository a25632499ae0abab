/** The largest counter of a dot: 2^53 - 1, the largest integer a number holds exactly. */
export const COUNTER_MAX: number = Number.MAX_SAFE_INTEGER;

/** Bytes of an actor id. */
export const ACTOR_BYTES = 16;

/**
 * Siblings a record may hold before writes that add one more are refused with `SIBLINGS_EXCEEDED` (P5). A bound on
 * admission only: a merge never drops what was acknowledged, so replicas that accepted writes apart may together hold
 * more, and every codec here reads more.
 */
export const SIBLINGS_MAX = 64;

/** Encoded bytes a record may have before writes that add a sibling are refused with `SIBLINGS_EXCEEDED` (P5). */
export const RECORD_BYTES_MAX: number = 16 * 1024 * 1024;

/** Bytes of the key that context tokens are authenticated with. */
export const CLUSTER_KEY_BYTES = 32;

/** Bytes of the MAC in a context token. */
export const TOKEN_MAC_BYTES = 16;

/** The longest token that is looked at, in bytes: room for about 58,000 actors, far above what P3 lets a record gather. */
export const TOKEN_BYTES_MAX: number = 1024 * 1024;
