/**
 * Bugs that the simulator can plant, each at the one line that asks for it, to prove that it would notice. Production
 * plants none.
 */
export type MutationName =
  | 'ack-before-flush'
  | 'ambiguous-counts-at-once'
  | 'anti-entropy-overwrites'
  | 'blind-delete-guesses'
  | 'boots-in-memory'
  | 'confirm-duplicate-before-flush'
  | 'context-widened'
  | 'count-reads-short'
  | 'count-recovering-reads'
  | 'count-unreadable-reads'
  | 'count-writes-short'
  | 'forget-key-lock'
  | 'forget-reuses-dots'
  | 'forget-unfenced'
  | 'forget-unsealed'
  | 'forget-without-all'
  | 'hints-count'
  | 'hints-undelivered'
  | 'ignore-rollback'
  | 'keep-actor-after-crash'
  | 'merge-drops-one-sided-sibling'
  | 'overwrite-instead-of-merge'
  | 'read-unflushed'
  | 'recovering-absent-answers'
  | 'recovery-from-one'
  | 'refused-read-is-empty'
  | 'repair-from-one'
  | 'rolled-back-keeps-data'
  | 'send-before-append'
  | 'skip-read-repair'
  | 'stale-context-overwrites'
  | 'tree-misses-changes'
  | 'unverified-confirms'
  | 'unverified-coordinates'
  | 'wiped-counts-as-member';

/** True if that bug is planted. */
export type Planted = (name: MutationName) => boolean;
