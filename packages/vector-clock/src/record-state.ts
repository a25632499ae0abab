import { invariant, StoreError } from '@ferrite/errors';
import type { ActorId } from './actor-id.ts';
import {
  addDot,
  type CausalContext,
  contains,
  contextUpTo,
  descends,
  emptyContext,
  highestCounter,
  join,
} from './causal-context.ts';
import { compareDots, type Dot } from './dot.ts';
import { COUNTER_MAX } from './limits.ts';

/** One of the concurrent values of a record. */
export interface Sibling<V> {
  readonly dot: Dot;
  readonly value: V;
}

/**
 * What a replica knows of a record (P1): the dots it has seen, and the values among them that nothing it has seen
 * replaces. Each sibling's dot is covered by the context; siblings ascend by dot. A context without siblings is a
 * tombstone.
 */
export interface RecordState<V> {
  readonly context: CausalContext;
  readonly siblings: readonly Sibling<V>[];
}

/** The state of a record nobody has written. */
export const emptyRecord: RecordState<never> = { context: emptyContext, siblings: [] };

/**
 * The least state that knows what both know (P1). A sibling survives if both sides have it, or one has it and the
 * other's context does not cover its dot. Commutative, associative, idempotent; gives `a` or `b` itself where that is
 * the result, so `mergeRecords(stored, incoming) === stored` says there is nothing to store.
 */
export function mergeRecords<V>(a: RecordState<V>, b: RecordState<V>): RecordState<V> {
  if (a === b) return a;
  const context = join(a.context, b.context);
  const siblings: Sibling<V>[] = [];
  let fromA = 0;
  let fromB = 0;
  let i = 0;
  let j = 0;
  while (i < a.siblings.length || j < b.siblings.length) {
    const left = a.siblings[i];
    const right = b.siblings[j];
    const order = left === undefined ? 1 : right === undefined ? -1 : compareDots(left.dot, right.dot);
    if (order <= 0) i++;
    if (order >= 0) j++;
    const sibling = order <= 0 ? left! : right!;
    if (order !== 0 && contains(order < 0 ? b.context : a.context, sibling.dot)) continue;
    if (order <= 0) fromA++;
    if (order >= 0) fromB++;
    siblings.push(sibling);
  }
  if (context === a.context && fromA === siblings.length && fromA === a.siblings.length) return a;
  if (context === b.context && fromB === siblings.length && fromB === b.siblings.length) return b;
  return { context, siblings };
}

/** A write as its coordinator sees it. */
export interface WriteRequest<V> {
  /** The actor of the coordinating replica's present life (P3). */
  readonly actor: ActorId;
  /** What the writer had seen; empty means concurrent with everything (P5). */
  readonly context: CausalContext;
  /** The new value; `undefined` deletes what the context covers. */
  readonly value: V | undefined;
  /** Counters of the actor up to this one were used for records that are forgotten (P8), and are not used again; 0 unless given. */
  readonly floor?: number;
}

/** What a write makes of a record. */
export interface WriteOutcome<V> {
  /** What the coordinator stores. */
  readonly state: RecordState<V>;
  /** What the other replicas merge: the request's context with the new dot, and the new value alone. */
  readonly delta: RecordState<V>;
  readonly dot: Dot;
  /** What the writer gets back: the request's context and the new dot, nothing wider (P4). */
  readonly responseContext: CausalContext;
}

/**
 * Coordinates a write (P2): the new dot is one above the highest the record knows of `request.actor`; the siblings that
 * the request's context covers are dropped. A delete uses a dot too and leaves no sibling. Call it under the key's lock
 * and have the state accepted by the engine before the delta is sent.
 *
 * `CONTEXT_INVALID` if the request's context covers a dot of this actor that the record never saw: it was not issued (P4).
 */
export function writeRecord<V>(stored: RecordState<V>, request: WriteRequest<V>): WriteOutcome<V> {
  const { actor, context, value, floor = 0 } = request;
  const seen = highestCounter(stored.context, actor);
  const highest = Math.max(seen, floor);
  if (highestCounter(context, actor) > highest) {
    throw new StoreError('CONTEXT_INVALID', { message: 'the context covers a write that was never made' });
  }
  invariant(highest < COUNTER_MAX, 'P3', 'an actor has used all its counters');
  const dot: Dot = { actor, counter: highest + 1 };
  const responseContext = addDot(context, dot);
  // Every earlier dot of this actor here is dead, as its only user knows: said to the replicas, contexts stay short.
  const allDead = highest > seen && !stored.siblings.some((sibling) => sibling.dot.actor === actor);
  const told = allDead ? join(responseContext, contextUpTo(dot)) : responseContext;
  const delta: RecordState<V> = { context: told, siblings: value === undefined ? [] : [{ dot, value }] };
  return { state: mergeRecords(stored, delta), delta, dot, responseContext };
}

/** True if both know the same dots and hold the same siblings; values are not compared, since a dot names its value. */
export function recordsEqual(a: RecordState<unknown>, b: RecordState<unknown>): boolean {
  if (a === b) return true;
  if (a.siblings.length !== b.siblings.length) return false;
  if (!descends(a.context, b.context) || !descends(b.context, a.context)) return false;
  return a.siblings.every((sibling, index) => compareDots(sibling.dot, b.siblings[index]!.dot) === 0);
}

/** True if merging `b` into `a` changes nothing. */
export function subsumes(a: RecordState<unknown>, b: RecordState<unknown>): boolean {
  if (a === b) return true;
  if (!descends(a.context, b.context)) return false;
  return a.siblings.every(
    ({ dot }) => !contains(b.context, dot) || b.siblings.some((other) => compareDots(other.dot, dot) === 0),
  );
}
