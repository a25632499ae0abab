import type { Reason, StoreError } from '@ferrite/errors';

/** Failures that say only that no answer came. */
const SILENCE: ReadonlySet<Reason> = new Set(['FABRIC_UNAVAILABLE', 'DEADLINE_EXCEEDED']);

/** Of the failures of several attempts the one to report: what a node answered says more than the silence of another. */
export function moreTelling(before: StoreError | undefined, now: StoreError): StoreError {
  return before !== undefined && SILENCE.has(now.reason) ? before : now;
}
