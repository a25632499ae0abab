/** Times and bounds of the membership protocol. The relations between them are asserted in `rules.prop.test.ts`. */

/** The machine is woken this often. A longer pause is time in which this node heard nothing, and does not count. */
export const TICK_MS = 50;

/** One probe a period. */
export const PERIOD_MS = 250;

/** A probe without an answer asks others to probe after this time, and has failed at the end of the period. */
export const PROBE_TIMEOUT_MS = 100;

/** Others asked to probe in this node's stead. */
export const INDIRECT_PROBES = 3;

/** A suspect is declared dead after this time, if as many others suspect it as may be wanted ... */
export const SUSPICION_MIN_MS = 750;

/** ... and after this time if nobody else does. */
export const SUSPICION_MAX_MS = 1_300;

/** Independent confirmations that bring a suspicion down to its minimum; fewer in clusters that have fewer nodes. */
export const CONFIRMATIONS_MAX = 3;

/** The worst local health: all waits of this node are (score + 1) times as long. */
export const HEALTH_SCORE_MAX = 8;

/** A claim is told to `RETELL_FACTOR` x log2(n + 1) others by each node that hears of it. */
export const RETELL_FACTOR = 3;

/** Claims in one message that is not a sync. */
export const CLAIMS_MAX = 12;

/** Claims that were told to fewer than `FRESH_TELLINGS` others go to `NEWS_FANOUT` more at once ... */
export const FRESH_TELLINGS = 6;
export const NEWS_FANOUT = 3;

/** ... but there are at most this many such messages in one tick. */
export const NEWS_MAX_PER_TICK = 6;

/** Claims in one page of a sync. */
export const SYNC_PAGE_CLAIMS = 256;

/** A node exchanges all it holds with another this often; more rarely in clusters of more than 32 nodes. */
export const SYNC_EVERY_MS = 5_000;

/** A node held for dead is pinged this often, in case it is back: the way a partition heals. */
export const REVIVE_EVERY_MS = 1_000;

/** Probes carried out for others at one time. */
export const RELAYS_MAX = 128;
