export { isAbort } from './abort.ts';
export { type BackoffPolicy, backoffMs, DEFAULT_BACKOFF } from './backoff.ts';
export { causeChain } from './cause-chain.ts';
export { combineEffects, type Effect } from './effect.ts';
export { InvariantViolation, invariant, unreachable } from './invariant.ts';
export { KINDS, type Kind } from './kind.ts';
export { isReason, REASONS, type Reason, type ReasonSpec, type Retry, reasonFromId, reasonSpec } from './reasons.ts';
export { mayRetry, RetryBudget, type RetryOptions, retry } from './retry.ts';
export { type ErrorDetailPlain, type ErrorFields, StoreError, type StoreErrorInit } from './store-error.ts';
