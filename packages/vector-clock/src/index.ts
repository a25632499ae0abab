export type { ActorEvents } from './actor-events.ts';
export { type ActorId, actorId, actorIdFromBytes, actorIdFromRandom, actorIdToBytes } from './actor-id.ts';
export {
  actorsOf,
  addDot,
  type CausalContext,
  type Causality,
  compareContexts,
  contains,
  contextOf,
  descends,
  emptyContext,
  highestCounter,
  isEmptyContext,
  join,
  retireActors,
} from './causal-context.ts';
export { decodeContext, encodeContext } from './context-codec.ts';
export { createTokenCodec, type TokenBinding, type TokenCodec } from './context-token.ts';
export { compareDots, type Dot, dot } from './dot.ts';
export {
  contextAtTime,
  HYBRID_AHEAD_MS_MAX,
  HYBRID_TICKS_PER_MS,
  HybridClock,
  type HybridTime,
  timeOf,
  withoutTime,
} from './hybrid-clock.ts';
export {
  ACTOR_BYTES,
  CLUSTER_KEY_BYTES,
  COUNTER_MAX,
  RECORD_BYTES_MAX,
  SIBLINGS_MAX,
  TOKEN_BYTES_MAX,
  TOKEN_MAC_BYTES,
} from './limits.ts';
export { bytesValueCodec, decodeRecord, encodeRecord, type ValueCodec } from './record-codec.ts';
export {
  emptyRecord,
  mergeRecords,
  type RecordState,
  recordsEqual,
  type Sibling,
  subsumes,
  type WriteOutcome,
  type WriteRequest,
  writeRecord,
} from './record-state.ts';
