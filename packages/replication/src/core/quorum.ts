import type { Consistency } from './topology.ts';

/** A majority of `n` replicas: any two of them share a member. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}

/** How many of `n` replicas a request needs (P10). A dead member still counts in `n`. */
export function needed(consistency: Consistency, n: number): number {
  if (consistency === 'ONE') return 1;
  return consistency === 'ALL' ? n : majority(n);
}

/**
 * From how many others a replica without its data must merge before it may count again (P7): enough to meet every write
 * quorum, n - w + 1 with w = majority(n), or all others where there are fewer.
 */
export function mergesNeeded(n: number): number {
  return Math.min(n - majority(n) + 1, n - 1);
}
