import { StoreError } from '@ferrite/errors';
import { type CausalContext, isEmptyContext } from '@ferrite/vector-clock';
import { AtLeast, type Floor } from './at-least.ts';
import { sendRecord } from './fenced-write.ts';
import { HEDGE_ANYHOW_MS } from './limits.ts';
import type { GetResult, Outcome, Standing } from './message.ts';
import { majority, needed } from './quorum.ts';
import { ReadTally } from './read-tally.ts';
import { decodeVersions, encodeVersions, mergeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { assertCurrent, isCurrent, type Route, routeNow } from './route.ts';
import type { Consistency } from './topology.ts';

/** A set of replicas, and how many of them must hold what a read tells of. */
interface WriteGoal {
  readonly replicas: readonly string[];
  readonly goal: number;
}

/** How often a read begins anew because a replica has forgotten something meanwhile. */
const ATTEMPTS_MAX = 3;

/** A read that this node coordinates. */
export interface CoordinatedRead {
  readonly at: RecordKey;
  readonly consistency: Consistency;
  /** What the answer must descend from. */
  readonly atLeast?: CausalContext | undefined;
  readonly timeoutMs: number;
}

/**
 * Coordinates a read. Enough members must answer (ONE: any replica that holds the key, or a member that says it is
 * absent); at QUORUM and ALL, replicas found stale are repaired before the answer, until a write quorum holds it durably,
 * so that no later read goes back (P10). An answer that does not descend from `atLeast` is widened to a quorum, then to all;
 * `STALE_READ` if nobody can give one that does (P11). `done` is called exactly once; the effect of a failure is `none`.
 */
export function coordinateRead(
  node: ReplicaContext,
  read: CoordinatedRead,
  done: (outcome: Outcome<GetResult>) => void,
  attempt = 1,
): void {
  const { planted, self } = node;
  const route = routeNow(node, read.at);
  if (route === undefined) return done({ ok: false, error: new StoreError('KEYSPACE_NOT_FOUND') });
  const one = read.consistency === 'ONE';
  // A dead replica still counts (P10, INV-SWIM-7).
  const counting = planted('dead-leave-quorum')
    ? route.read.filter((each) => node.peers.liveness(each) !== 'dead')
    : route.read;
  const goal = needed(read.consistency, counting.length);
  const tally = new ReadTally(planted('count-reads-short') && !one ? goal - 1 : goal);
  const atLeast = read.atLeast && new AtLeast(read.atLeast);
  const waiting = candidates(node, route, one);
  let begun = 0;
  /** Peers that have not answered yet. */
  const asked = new Set<string>();
  // Of before anything is read: what is forgotten meanwhile must not be written back.
  const fences = fencesOf(node, route.partition, route.all);
  let outstanding = 0;
  let state = 'asking' as 'asking' | 'repairing' | 'finished';
  let stopTimer = (): void => {};
  let stopHedge = (): void => {};

  const finish = (outcome: Outcome<GetResult>): void => {
    if (state === 'finished') return;
    state = 'finished';
    stopTimer();
    stopHedge();
    done(outcome);
  };
  const fail = (reason: 'DEADLINE_EXCEEDED' | 'QUORUM_UNAVAILABLE' | 'STALE_READ', message: string): void => {
    if (state !== 'finished') finish({ ok: false, error: new StoreError(reason, { message }) });
  };
  const late = (): void =>
    fail(
      state === 'asking' && tally.enough ? 'STALE_READ' : 'DEADLINE_EXCEEDED',
      `${tally.members} of ${tally.needed} replicas answered in time`,
    );

  const repair = (merged: Versions, { stale, rebuilding, current }: ReturnType<ReadTally['compare']>): void => {
    const holders = new Set(current);
    const missing = ({ replicas, goal }: WriteGoal): number =>
      goal - replicas.reduce((count, id) => count + (holders.has(id) ? 1 : 0), 0);
    const goals = route.write.map((replicas): WriteGoal => {
      const level = one ? 1 : read.consistency === 'ALL' ? replicas.length : majority(replicas.length);
      return { replicas, goal: level - (planted('repair-counts-short') ? 1 : 0) };
    });
    // A set that is not read from, because the partition moves, is asked for nothing and told everything.
    const others = route.all.filter((id) => !route.read.includes(id));
    const targets = [...stale, ...others];
    // Who gets all from its recovery gets it here only as far as the promise of this read needs it.
    const spare = [...rebuilding];
    targets.push(...spare.splice(0, Math.max(0, ...goals.map((goal) => missing(goal) - stale.length))));
    waiting.unshift(...spare);
    const outstanding = new Set<string>();
    const send = (): void => {
      const target = targets.shift()!;
      outstanding.add(target);
      writeBack(node, { ...read, route }, target, merged, fences, (outcome) => settle(target, outcome));
    };
    const settle = (target: string, outcome: WriteBackOutcome): void => {
      const ok = outcome === 'durable';
      outstanding.delete(target);
      if (ok) holders.add(target);
      if (state === 'finished') return;
      // What was read may be older than what the replica has forgotten since.
      if (outcome === 'fenced' && attempt < ATTEMPTS_MAX) return restart();
      const open = goals.filter((goal) => missing(goal) > 0);
      if (open.length === 0) return tell(merged);
      // A replica that was not asked yet can hold the answer as well as the one that failed.
      if (!ok) targets.push(...waiting.splice(0, 1));
      if (targets.length > 0) return send();
      const possible = (goal: WriteGoal): boolean =>
        goal.replicas.filter((id) => outstanding.has(id)).length >= missing(goal);
      if (!open.every(possible)) fail('QUORUM_UNAVAILABLE', 'too few replicas could be brought up to date');
    };
    while (targets.length > 0) send();
    if (goals.every((goal) => missing(goal) <= 0)) tell(merged);
  };

  /** From the beginning, by what holds now, in what may be left of the time. */
  const restart = (): void => {
    if (attempt === ATTEMPTS_MAX) return fail('QUORUM_UNAVAILABLE', 'its replicas were changed too often meanwhile');
    state = 'finished';
    stopTimer();
    stopHedge();
    coordinateRead(node, { ...read, timeoutMs: read.timeoutMs / 2 }, done, attempt + 1);
  };

  const tell = (versions: Versions): void => {
    if (one || isCurrent(node, route)) finish({ ok: true, value: { versions } });
    else restart();
  };

  const vote = (from: string, bytes: Uint8Array | undefined, standing: Standing, floor?: Floor): void => {
    // A disk that may have been rolled back may hold what all others have forgotten.
    if (standing === 'unverified' && !one && !planted('forget-unfenced')) return missed(from);
    outstanding--;
    if (state === 'finished') return;
    let versions: Versions;
    try {
      versions = decodeVersions(bytes);
    } catch {
      return judge();
    }
    const counts =
      standing === 'member' ||
      (one && (versions.context.entries.length > 0 || planted('recovering-absent-answers'))) ||
      (planted('count-recovering-reads') && (standing === 'recovering' || standing === 'ambiguous')) ||
      (planted('count-unreadable-reads') && standing === 'unreadable');
    if (floor !== undefined && standing === 'member') atLeast?.learn(floor);
    tally.add({ from, versions, counts, rebuilds: standing === 'recovering' });
    judge();
  };

  const ask = (replica: string): void => {
    outstanding++;
    begun++;
    if (replica === self) {
      const { at } = read;
      const { partition } = route;
      if (node.standings.isStale(partition)) return missed(self);
      const { keyspaceId, key } = at;
      const before = node.standings.ofRecord(partition, keyspaceId, key);
      node.records.read(at, !one && !planted('read-unflushed'), (outcome) => {
        // As of after it as well: while it was read, something may have been written over what was lost.
        const after = node.standings.ofRecord(partition, keyspaceId, key);
        const standing = before === 'member' || planted('standing-after-read') ? after : before;
        const floor = atLeast && floorOf(node, partition);
        if (outcome.ok) vote(self, outcome.value, standing, floor);
        else missed(self);
      });
      return;
    }
    asked.add(replica);
    const { epoch } = route;
    sendTo(
      node,
      replica,
      { type: 'read', epoch, keyspaceId: read.at.keyspaceId, key: read.at.key, withFloor: atLeast !== undefined },
      read.timeoutMs,
      (reply) => {
        asked.delete(replica);
        if (!reply.ok || reply.value.type !== 'read') return missed(replica);
        const { record, standing, floor } = reply.value;
        node.peers.counted(replica, standing === 'member');
        vote(replica, record, standing, floor);
      },
    );
  };
  const missed = (from: string): void => {
    if (planted('silence-is-absence')) return vote(from, undefined, 'member');
    outstanding--;
    judge();
  };

  /** Asks further replicas until as many answers as are missing may come. */
  const widen = (): void => {
    while (outstanding < tally.needed - tally.members && waiting.length > 0) ask(waiting.shift()!);
  };

  const judge = (): void => {
    if (state !== 'asking') return;
    if (tally.enough) {
      const merged = tally.merged();
      if (atLeast?.isMetBy(merged.context) === false && !planted('at-least-ignored')) return insist();
      stopHedge();
      const found = tally.compare(merged);
      const hidden = planted('tombstones-not-repaired') && merged.siblings.length === 0;
      const behind = found.stale.length + found.rebuilding.length;
      const known = behind === 0 && (route.write.length === 1 || isEmptyContext(merged.context));
      if (one || known || hidden || planted('skip-read-repair')) return tell(merged);
      state = 'repairing';
      return repair(merged, found);
    }
    widen();
    if (outstanding === 0) fail('QUORUM_UNAVAILABLE', `${tally.members} of ${tally.needed} replicas could answer`);
  };

  /** There are answers enough, and what was demanded is in none of them: a quorum is asked for it, and then all. */
  const insist = (): void => {
    const quorum = majority(route.read.length);
    const more = begun < quorum ? quorum - begun : waiting.length;
    for (const replica of waiting.splice(0, outstanding === 0 ? more : 0)) ask(replica);
    if (outstanding > 0 || state !== 'asking') return;
    if (planted('at-least-forgives')) return finish({ ok: true, value: { versions: tally.merged() } });
    fail('STALE_READ', `none of the ${begun} replicas asked knows of what the answer must descend from`);
  };

  /** Asks one more, in route of those that are late: soon if this read may be a hedged one, in any case in the end. */
  const hedge = (last: boolean): void => {
    if (state !== 'asking' || waiting.length === 0) return;
    if (!last && !node.peers.spendHedge()) {
      stopHedge = node.desk.timer(HEDGE_ANYHOW_MS, () => hedge(true));
      return;
    }
    node.peers.late(asked);
    ask(waiting.shift()!);
    startHedge();
  };
  const startHedge = (): void => {
    if (waiting.length > 0) stopHedge = node.desk.timer(node.peers.hedgeAfterMs(asked), () => hedge(false));
  };

  node.peers.earnHedge();
  widen();
  // Answered from memory.
  if (state === 'finished') return;
  stopTimer = node.desk.timer(read.timeoutMs, late);
  startHedge();
  if (outstanding === 0) fail('QUORUM_UNAVAILABLE', 'the key has no replica');
}

/** What this node's actor may have used for records that are forgotten. */
export function floorOf({ actors }: ReplicaContext, partition: number): Floor {
  return { actor: actors.of(partition), counter: actors.floor(partition) };
}

/** The replicas in the order in which they are asked: this node first, if its word may count, the live and fast next. */
function candidates(node: ReplicaContext, route: Route, one: boolean): string[] {
  const { self, standings } = node;
  const others = node.peers.preferred(route.read.filter((replica) => replica !== self));
  if (!route.read.includes(self)) return [...others];
  const useful = one || standings.isMember(route.partition);
  if (node.planted('votes-twice')) return [self, self, ...others];
  return useful ? [self, ...others] : [...others, self];
}

/** The fences of the replicas of a partition as they are known now. */
export function fencesOf(
  node: ReplicaContext,
  partition: number,
  replicas: readonly string[],
): ReadonlyMap<string, number> {
  const { fences, self } = node;
  return new Map(replicas.map((id) => [id, id === self ? fences.own(partition) : fences.of(id, partition)]));
}

/** `fenced`: the replica has forgotten something since `versions` was read, and did not take it. */
export type WriteBackOutcome = 'durable' | 'failed' | 'fenced';

/** Merges `versions` into a replica's copy; `fences` are of before they were read. */
export function writeBack(
  node: ReplicaContext,
  record: { readonly at: RecordKey; readonly route: Pick<Route, 'partition' | 'epoch'>; readonly timeoutMs: number },
  replica: string,
  versions: Versions,
  fences: ReadonlyMap<string, number>,
  settle: (outcome: WriteBackOutcome) => void,
): void {
  const { at, route, timeoutMs } = record;
  const { partition, epoch } = route;
  const fence = fences.get(replica) ?? 0;
  if (replica === node.self) {
    let fenced = false;
    const change = (stored: Versions): Versions => {
      assertCurrent(node, route);
      fenced = node.fences.own(partition) !== fence && !node.planted('forget-unfenced');
      return fenced ? stored : mergeVersions(stored, versions);
    };
    node.records.update(at, change, {
      accepted: () => {},
      durable: () => settle(fenced ? 'fenced' : 'durable'),
      refused: () => settle('failed'),
    });
    return;
  }
  const { keyspaceId, key } = at;
  const write = { epoch, keyspaceId, key, record: encodeVersions(versions), memory: false, fence };
  sendRecord(node, replica, write, timeoutMs, (reply) => {
    if (reply.ok && reply.value.type === 'fenced') return settle('fenced');
    settle(reply.ok && reply.value.type === 'write' && reply.value.durable ? 'durable' : 'failed');
  });
}
