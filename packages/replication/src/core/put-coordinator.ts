import { StoreError } from '@ferrite/errors';
import type { CausalContext } from '@ferrite/vector-clock';
import {
  addDot,
  contains,
  contextOf,
  emptyContext,
  join,
  mergeRecords,
  RECORD_BYTES_MAX,
  SIBLINGS_MAX,
  type WriteOutcome,
  writeRecord,
} from '@ferrite/vector-clock';
import { sendCurrent, sendRecord } from './fenced-write.ts';
import { lastWrite, type TimedWrite } from './last-write.ts';
import type { Outcome, PeerResponse, WriteResult } from './message.ts';
import { needed } from './quorum.ts';
import { encodeVersions, type StoredValue, tokenedWrite, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import type { ReplicaContext } from './replica-context.ts';
import { assertCurrent, isCurrent, type Route, routeNow } from './route.ts';
import { remember, withTwins } from './tokened-writes.ts';
import type { ConflictPolicy, Consistency } from './topology.ts';
import { WriteTally } from './write-tally.ts';

/** A write that this member replica coordinates. */
export interface CoordinatedWrite {
  readonly at: RecordKey;
  /** Absent: a delete. */
  readonly value: StoredValue | undefined;
  /** Absent: a blind write (P5). */
  readonly context: CausalContext | undefined;
  readonly policy: ConflictPolicy;
  /** Hints count like copies. */
  readonly sloppy: boolean;
  /** The hash of the token of a write that may be sent again (P12), and of what its writer had seen. */
  readonly token?: bigint | undefined;
  readonly seen?: bigint;
  /** Called in route of `done`, once, if this replica knows the token already. */
  readonly known?: () => void;
  readonly consistency: Consistency;
  readonly memory: boolean;
  readonly timeoutMs: number;
}

/**
 * Coordinates a write (P2): under the key's lock a new dot and the append, and only when the engine has accepted it the
 * delta to the other replicas. `done` is called exactly once; a failure after the append was accepted has the effect
 * `unknown`.
 */
export function coordinateWrite(
  node: ReplicaContext,
  write: CoordinatedWrite,
  done: (outcome: Outcome<WriteResult>) => void,
): void {
  const { planted } = node;
  const first = routeNow(node, write.at);
  if (first === undefined) return done({ ok: false, error: new StoreError('KEYSPACE_NOT_FOUND') });
  if (!first.read.includes(node.self) && !planted('stranger-coordinates'))
    return done({ ok: false, error: new StoreError('RECOVERING') });
  let route = first;
  let tally = tallyFor(node, write, route);
  let outcome: Outcomes | undefined;
  let known = false;
  let inLog = false;
  let flushed = false;
  let sent: Uint8Array = NOTHING;
  let finished = false;

  const finish = (result: Outcome<WriteResult>): void => {
    if (finished) return;
    finished = true;
    stopTimer();
    done(result);
  };
  // From the moment the append is asked for, until it is refused, the write may come to be.
  const fail = (error: StoreError): void =>
    finish({
      ok: false,
      error: outcome === undefined || planted('in-doubt-is-none') ? error : error.withEffect('unknown'),
    });
  const stopTimer = node.desk.timer(write.timeoutMs, () =>
    fail(
      new StoreError('DEADLINE_EXCEEDED', {
        message: `${tally.progress} replicas confirmed in time`,
      }),
    ),
  );
  const goOn = (): void => {
    if (finished) return;
    finished = true;
    stopTimer();
    write.known?.();
  };
  const counts = (): Omit<WriteResult, 'context'> =>
    planted('hints-unreported') ? { ...tally.counts, hinted: 0 } : tally.counts;
  const judge = (): void => {
    if (finished || outcome === undefined) return;
    const verdict = tally.verdict;
    if (verdict !== 'wait' && !isCurrent(node, route)) return moveOn();
    if (verdict === 'done') finish({ ok: true, value: { context: outcome.responseContext, ...counts() } });
    if (verdict === 'hopeless') {
      fail(
        new StoreError('QUORUM_UNAVAILABLE', {
          message: `${tally.progress} replicas could be reached`,
        }),
      );
    }
  };

  /** A hint counts for nothing (INV-REPL-10), unless the keyspace says otherwise: then when it is stored (INV-REPL-24). */
  const leaveHint = (to: string, tally: WriteTally): void => {
    const { keyspaceId, key } = write.at;
    if (!write.sloppy) {
      tally.failed(to);
      return node.hints.leave(to, keyspaceId, key);
    }
    node.hints.leave(to, keyspaceId, key, (stored) => {
      if (stored) tally.hinted(to);
      else tally.failed(to);
      judge();
    });
  };

  const sendDelta = (record: Uint8Array): void => {
    sent = record;
    const { memory } = write;
    const { keyspaceId, key } = write.at;
    const round = tally;
    const { epoch, partition } = route;
    for (const to of route.all) {
      if (to === node.self) continue;
      const confirm = (reply: Outcome<PeerResponse>): void => {
        const copied = reply.ok && reply.value.type === 'write';
        if (!copied && !planted('failure-counts-as-copy')) {
          if (reply.ok || !leavesHint(reply.error)) round.failed(to);
          else leaveHint(to, round);
          if (planted('hints-count')) round.durable(to);
        } else {
          round.accepted(to);
          if (!copied || reply.value.durable) round.durable(to);
        }
        judge();
      };
      const fence = node.fences.of(to, partition);
      // Half of the time is for the hint, should the replica say nothing.
      const waitMs = write.sloppy ? write.timeoutMs / 2 : write.timeoutMs;
      sendRecord(node, to, { epoch, keyspaceId, key, record, memory, fence }, waitMs, (reply) => {
        // The replica forgot something since: what is here now holds this write, or all have forgotten it too.
        if (reply.ok && reply.value.type === 'fenced')
          sendCurrent(node, to, { epoch, keyspaceId, key, memory }, waitMs, confirm);
        else confirm(reply);
      });
    }
  };

  /** The replicas are others now, and quorums of those must have it as well (INV-REPL-31): once more, to them. */
  const moveOn = (): void => {
    const next = routeNow(node, write.at);
    if (next === undefined) return fail(new StoreError('KEYSPACE_NOT_FOUND'));
    route = next;
    tally = tallyFor(node, write, route);
    if (route.all.includes(node.self)) {
      tally.accepted(node.self);
      if (flushed) tally.durable(node.self);
    }
    sendDelta(sent);
  };

  node.records.update(
    write.at,
    (stored) => {
      if (finished)
        throw new StoreError('DEADLINE_EXCEEDED', { message: 'the deadline passed before the write began' });
      // Reading the record may just have shown that this replica is damaged: then another coordinates (P7).
      const { partition } = route;
      assertCurrent(node, route);
      const standing = node.standings.ofRecord(partition, write.at.keyspaceId, write.at.key);
      if (standing !== 'member' && !planted('unverified-coordinates')) throw new StoreError('RECOVERING');
      if (write.token !== undefined && tokenedWrite(stored, write.token) !== undefined) {
        known = true;
        return stored;
      }
      const timed = write.policy === 'lww' ? lastWrite(node, stored, write) : undefined;
      const request = timed ?? { value: write.value, context: requestContext(node, stored, write) };
      if (!planted('no-sibling-limit')) admit(stored, request);
      const context = withTwins(request.context, stored.tokened ?? []);
      outcome = writeRecord(stored, {
        actor: node.actors.of(partition),
        floor: node.actors.floor(partition),
        value: request.value,
        context,
      });
      const { told = request.context } = timed ?? {};
      outcome = { ...outcome, responseContext: addDot(told, outcome.dot) };
      outcome = withTokens(node, stored, write, outcome, timed?.ticks);
      if (planted('delta-forgets-context'))
        outcome = { ...outcome, delta: { ...outcome.delta, context: contextOf([outcome.dot]) } };
      if (planted('context-widened')) outcome = { ...outcome, responseContext: outcome.state.context };
      if (planted('send-before-append')) sendDelta(encodeVersions(outcome.delta));
      return planted('overwrite-instead-of-merge') ? outcome.delta : outcome.state;
    },
    {
      accepted: (encoded) => {
        if (known) return goOn();
        inLog = true;
        tally.accepted(node.self);
        if (planted('ack-before-flush')) tally.durable(node.self);
        if (outcome !== undefined && !planted('send-before-append')) {
          // On a fresh key what is stored and what is sent are the same bytes.
          const same = encoded !== undefined && outcome.delta === outcome.state;
          sendDelta(same ? encoded : encodeVersions(outcome.delta));
        }
        judge();
      },
      durable: () => {
        flushed = true;
        if (!planted('ack-before-flush') && route.all.includes(node.self)) tally.durable(node.self);
        judge();
      },
      refused: (error) => {
        if (!inLog) outcome = undefined;
        fail(error);
      },
    },
  );
}

const NOTHING = new Uint8Array();

function tallyFor({ planted }: ReplicaContext, write: CoordinatedWrite, route: Route): WriteTally {
  const short = planted('count-writes-short') && write.consistency !== 'ONE' ? 1 : 0;
  return new WriteTally(
    planted('move-writes-one-set') ? route.write.slice(0, 1) : route.write,
    (replicas) => needed(write.consistency, replicas) - short,
    write.memory || planted('accepted-is-enough'),
  );
}

type Outcomes = Omit<WriteOutcome<StoredValue>, 'state' | 'delta'> & {
  readonly state: Versions;
  readonly delta: Versions;
};

/** Carries on what the record remembers of writes that may be sent again, here and to the replicas, and this one if it may. */
function withTokens(
  node: ReplicaContext,
  { tokened = [] }: Versions,
  { token, seen = 0n }: CoordinatedWrite,
  outcome: Outcomes,
  ticks: number | undefined,
): Outcomes {
  if (token === undefined && tokened.length === 0) return outcome;
  const { state, delta, dot } = outcome;
  const time = (): number => ticks ?? node.clock.next(node.wallMs(), Math.max(0, ...tokened.map((each) => each.time)));
  const all = token === undefined ? tokened : remember(tokened, { token, seen, dots: [dot], time: time() });
  // A record remembers only writes that it knows of: who finds the token must find the write.
  const known = all.filter(({ dots }) => dots.some((each) => contains(delta.context, each)));
  const sent: Versions = known.length === 0 || node.planted('token-not-sent') ? delta : { ...delta, tokened: known };
  return { ...outcome, state: state === delta ? sent : { ...state, tokened: all }, delta: sent };
}

/** Who refuses the table or the keyspace will not take the record later either. */
function leavesHint({ reason }: StoreError): boolean {
  return reason !== 'TOPOLOGY_STALE' && reason !== 'KEYSPACE_NOT_FOUND';
}

/** A blind write adds a sibling, and siblings are bounded (P5). Writes with a context only ever replace. */
function admit(stored: Versions, write: Pick<TimedWrite, 'context' | 'value'>): void {
  if (write.value === undefined) return;
  const survivors = mergeRecords(stored, { context: write.context, siblings: [] }).siblings;
  const bytes = survivors.reduce((sum, { value }) => sum + value.bytes.byteLength, write.value.bytes.byteLength);
  if (survivors.length < SIBLINGS_MAX && bytes <= RECORD_BYTES_MAX) return;
  if (survivors.length < stored.siblings.length) return;
  throw new StoreError('SIBLINGS_EXCEEDED', {
    message: `the record has ${survivors.length} concurrent values, ${bytes} bytes with this one`,
  });
}

function requestContext(node: ReplicaContext, stored: Versions, write: CoordinatedWrite): CausalContext {
  const context = write.context ?? emptyContext;
  return node.planted('stale-context-overwrites') ? join(context, stored.context) : context;
}
