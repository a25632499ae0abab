import { StoreError } from '@ferrite/errors';
import { keyHash } from '@ferrite/hashing';
import { emptyRecord } from '@ferrite/vector-clock';
import { compareBytes, latin1 } from './bytes.ts';
import type { ScanResult } from './effect.ts';
import { fencesOf, writeBack } from './get-coordinator.ts';
import { HEDGE_AFTER_MS } from './limits.ts';
import type { Outcome, ScannedRecord, ScanPlace } from './message.ts';
import type { Planted } from './mutation.ts';
import { needed } from './quorum.ts';
import { decodeVersions, mergeVersions, type Versions, versionsEqual } from './record.ts';
import { RecordKey } from './record-key.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import type { PageOfRecords, ReplicaPages } from './replica-pages.ts';
import type { Consistency } from './topology.ts';
import { partitionEpoch } from './topology-moves.ts';

/** One page of a client's scan. */
export interface CoordinatedScan {
  readonly keyspaceId: number;
  readonly partition: number;
  readonly replicas: readonly string[];
  readonly after: ScanPlace | undefined;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly consistency: Consistency;
  readonly timeoutMs: number;
}

interface Page {
  readonly from: string;
  readonly records: readonly ScannedRecord[];
  readonly more: boolean;
}

/**
 * One page of a partition as R members know it together, in the order (hash, key), each key once (P19). The page reaches
 * as far as the shortest of its sources; what lies beyond comes with the next. ONE asks a single replica and promises
 * only what that one knows.
 */
export function coordinateScan(
  node: ReplicaContext,
  pages: ReplicaPages,
  scan: CoordinatedScan,
  done: (outcome: Outcome<ScanResult>) => void,
): void {
  const goal = needed(scan.consistency, scan.replicas.length);
  const { self } = node;
  const others = node.peers.preferred(scan.replicas.filter((id) => id !== self));
  const waiting = scan.replicas.includes(self) ? [self, ...others] : [...others];
  const route = { partition: scan.partition, epoch: partitionEpoch(node.topology(), scan.partition) };
  const fences = fencesOf(node, scan.partition, scan.replicas);
  const got: Page[] = [];
  let outstanding = 0;
  let finished = false;
  let stopHedge = (): void => {};

  const finish = (outcome: Outcome<ScanResult>): void => {
    if (finished) return;
    finished = true;
    stopTimer();
    stopHedge();
    done(outcome);
  };
  const fail = (error: StoreError): void => finish({ ok: false, error });
  const stopTimer = node.desk.timer(scan.timeoutMs, () =>
    fail(new StoreError('DEADLINE_EXCEEDED', { message: `${got.length} of ${goal} replicas scanned in time` })),
  );
  const take = (from: string, outcome: Outcome<PageOfRecords>): void => {
    outstanding--;
    if (finished) return;
    const counts = outcome.ok && (outcome.value.standing === 'member' || node.planted('scan-counts-recovering'));
    if (outcome.ok && counts && outcome.value.unreadable.length === 0) got.push({ from, ...outcome.value });
    if (got.length < goal) return widen();
    const { result, stale } = combine(got, scan, node.planted);
    finish({ ok: true, value: result });
    for (const { replica, key, versions } of stale)
      writeBack(node, { ...scan, route, at: new RecordKey(scan.keyspaceId, key) }, replica, versions, fences, () => {});
  };
  const ask = (replica: string): void => {
    outstanding++;
    const { keyspaceId, partition, after, maxRecords, maxBytes } = scan;
    if (replica === self)
      return pages.read({ keyspaceId, partition, after, maxRecords, maxBytes }, (outcome) => take(self, outcome));
    const { epoch } = route;
    sendTo(
      node,
      replica,
      { type: 'scan', epoch, keyspaceId, partition, after, maxRecords, maxBytes },
      scan.timeoutMs,
      (reply) => {
        if (reply.ok && reply.value.type === 'scan') take(replica, { ok: true, value: reply.value });
        else take(replica, { ok: false, error: reply.ok ? new StoreError('INTERNAL') : reply.error });
      },
    );
  };
  const widen = (): void => {
    while (outstanding < goal - got.length && waiting.length > 0) ask(waiting.shift()!);
    if (outstanding === 0 && got.length < goal) {
      fail(new StoreError('QUORUM_UNAVAILABLE', { message: `${got.length} of ${goal} replicas could scan` }));
    }
  };
  /** A replica that says nothing must not hold up the page: the next one is asked as well. */
  const hedge = (): void => {
    if (finished || waiting.length === 0) return;
    ask(waiting.shift()!);
    stopHedge = node.desk.timer(HEDGE_AFTER_MS, hedge);
  };

  widen();
  if (waiting.length > 0 && !finished) stopHedge = node.desk.timer(HEDGE_AFTER_MS, hedge);
}

interface StaleCopy {
  readonly replica: string;
  readonly key: Uint8Array;
  readonly versions: Versions;
}

interface Entry {
  readonly hash: bigint;
  readonly key: Uint8Array;
  readonly copies: Map<string, Versions>;
}

function combine(
  pages: readonly Page[],
  scan: CoordinatedScan,
  planted: Planted,
): { result: ScanResult; stale: readonly StaleCopy[] } {
  const entries = new Map<string, Entry>();
  let reach: { readonly hash: bigint; readonly key: Uint8Array } | undefined;
  for (const { from, records, more } of pages) {
    let last: Entry | undefined;
    for (const { key, record } of records) {
      const id = latin1(key);
      last = entries.get(id) ?? { hash: keyHash(key), key, copies: new Map() };
      entries.set(id, last);
      last.copies.set(from, decodeVersions(record));
    }
    const end = last ?? scan.after;
    if (!more || end === undefined) continue;
    if (reach === undefined || compareEntries(end, reach) < 0 || planted('scan-skips-ahead')) reach = end;
  }
  const within = [...entries.values()]
    .filter((entry) => reach === undefined || compareEntries(entry, reach) <= 0 || planted('scan-ignores-reach'))
    .sort(compareEntries);
  const stale: StaleCopy[] = [];
  const records = within.flatMap(({ hash, key, copies }) => {
    const versions = [...copies.values()].reduce<Versions>((all, each) => mergeVersions(all, each), emptyRecord);
    for (const { from } of pages) {
      if (!versionsEqual(copies.get(from) ?? emptyRecord, versions)) stale.push({ replica: from, key, versions });
    }
    return versions.siblings.length === 0 ? [] : [{ hash, key, result: { versions } }];
  });
  return { result: { records, next: reach && { hash: reach.hash, key: reach.key } }, stale };
}

function compareEntries(a: { hash: bigint; key: Uint8Array }, b: { hash: bigint; key: Uint8Array }): number {
  if (a.hash !== b.hash) return a.hash < b.hash ? -1 : 1;
  return compareBytes(a.key, b.key);
}
