import { keyHash } from '@ferrite/hashing';
import { latin1 } from './bytes.ts';
import { forEachBounded } from './for-each-bounded.ts';
import { RETRY_AFTER_MS, TRANSFER_TIMEOUT_MS, TRANSFERS_MAX } from './limits.ts';
import type { RecordName, ScannedRecord, ScanPlace } from './message.ts';
import { majority, mergesNeeded } from './quorum.ts';
import { decodeVersions, mergeVersions } from './record.ts';
import { RecordKey } from './record-key.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { replicasOf } from './replicas.ts';
import { assertCurrent, type Route } from './route.ts';
import { isNewcomer, partitionEpoch } from './topology-moves.ts';
import { TransferProgress, type TransferStatus } from './transfer-progress.ts';

/** Progress of this node's recovery. */
export interface RecoveryStatus {
  readonly recovering: number;
  readonly ambiguous: number;
  readonly recordsMerged: number;
  /** Why nothing moves at the moment, if nothing does. */
  readonly stalled: string;
  readonly transfers: readonly TransferStatus[];
  /** Until all is merged, in milliseconds; absent while that cannot be told. */
  readonly estimatedMs: number | undefined;
}

/** What a recovery needs of the node. */
export interface RecoveryHost {
  /** The partition counts again. */
  closed(partition: number): void;
  /** Makes the node's state durable. */
  persist(then: () => void): void;
  /** Why the partition's recovery cannot begin yet; empty if it can. */
  waits(partition: number): string;
  /** Whether the peer answered the last greeting. */
  answers(peer: string): boolean;
}

/**
 * Closes the gaps of this node's partitions by merging what the other replicas hold: after a wipe from so many members
 * that every write quorum is met (P7), after an ambiguous tail from every other replica that can be reached, at least one
 * (P17). Partition by partition, a few at a time, page by page; what fails is tried again.
 */
export class Recovery {
  readonly #node: ReplicaContext;
  readonly #host: RecoveryHost;
  readonly #queue: number[] = [];
  readonly #queued = new Set<number>();
  #active = 0;
  readonly #progress = new TransferProgress();
  #recordsMerged = 0;
  #stalled = '';
  #retryArmed = false;

  constructor(node: ReplicaContext, host: RecoveryHost) {
    this.#node = node;
    this.#host = host;
  }

  /** Takes up every gap there is. Call it when the node is verified, and when a gap opens. */
  run(): void {
    const { standings } = this.#node;
    if (!standings.verified) return;
    for (const gap of ['ambiguous', 'recovering'] as const) {
      for (const partition of standings.partitions(gap)) {
        if (this.#queued.has(partition)) continue;
        this.#queued.add(partition);
        this.#queue.push(partition);
      }
    }
    this.#next();
  }

  status(): RecoveryStatus {
    const { standings, background } = this.#node;
    const work = background.progress().find(({ kind }) => kind === 'recovery');
    return {
      recovering: standings.partitions('recovering').length,
      ambiguous: standings.partitions('ambiguous').length,
      recordsMerged: this.#recordsMerged,
      stalled: standings.gaps === 0 ? '' : this.#stalled,
      transfers: this.#progress.running(work?.stalled ?? ''),
      estimatedMs: this.#progress.estimateMs(standings.gaps, work?.bytesPerSecond ?? 0),
    };
  }

  #next(): void {
    while (this.#active < TRANSFERS_MAX && this.#queue.length > 0) {
      const partition = this.#queue.shift()!;
      this.#active++;
      this.#recover(partition);
    }
  }

  #done(partition: number, complete: boolean, why: string): void {
    this.#active--;
    this.#queued.delete(partition);
    if (complete) {
      this.#stalled = '';
      this.#node.standings.close(partition);
      this.#progress.partitionDone(this.#node.standings.gaps);
      this.#host.closed(partition);
    } else {
      this.#stalled = why;
      this.#retryLater();
    }
    this.#next();
  }

  #retryLater(): void {
    if (this.#retryArmed) return;
    this.#retryArmed = true;
    this.#node.desk.timer(RETRY_AFTER_MS, () => {
      this.#retryArmed = this.#node.planted('recovery-gives-up');
      this.run();
    });
  }

  #recover(partition: number): void {
    const { standings, planted } = this.#node;
    const gap = standings.gap(partition);
    const openings = standings.openings(partition);
    const groups = this.#replicaGroups(partition);
    const others = [...new Set(groups.flatMap((group) => group.others))];
    // Whoever is alone with it has nobody to hear of it from.
    if (gap !== undefined && others.length === 0) standings.dropStale(partition);
    if (gap === undefined || others.length === 0) return this.#done(partition, true, '');
    const waits = this.#host.waits(partition);
    if (waits !== '') return this.#done(partition, false, waits);
    if (standings.isStale(partition)) return this.#discard(partition, groups, others);

    const merged = new Set<string>();
    const heard = new Set<string>();
    const lacking = new Map<string, Lacking>();
    const failures: string[] = [];
    let left = others.length;
    let decided = false;
    for (const from of others) {
      const progress = this.#progress.begin(partition, from);
      this.#transfer(partition, { from, lacking, progress }, undefined, (failure, whole) => {
        this.#progress.end(progress);
        if (whole) heard.add(from);
        if (failure === undefined) merged.add(from);
        else failures.push(`${from}: ${failure}`);
        left--;
        const early = planted('recovery-from-one') && merged.size > 0;
        if (decided || (left > 0 && !early)) return;
        decided = true;
        // A gap that opened wider meanwhile starts again from the beginning.
        const same = standings.openings(partition) === openings;
        const suffices = ({ others, merges }: ReplicaGroup, from: ReadonlySet<string>): boolean => {
          const count = others.filter((id) => from.has(id)).length;
          if (others.length === 0 || early) return true;
          if (gap === 'recovering') return count >= merges;
          // What one replica may have lost of its log's end any of the others may have, whatever else it lacks.
          const missed = others.some((id) => !heard.has(id) && this.#host.answers(id));
          return count >= 1 && (!missed || planted('ambiguous-hears-some'));
        };
        const enough = same && groups.every((group) => suffices(group, merged));
        // What too few of them could tell stays open, record by record.
        const doubtful = [...lacking.values()].filter(({ by }) =>
          groups.some((group) => !suffices(group, merged.difference(by))),
        );
        if (!enough) this.#done(partition, false, failures.join('; ') || 'too few replicas to merge from');
        else if (!this.#keepOpen(partition, doubtful, gap === 'ambiguous'))
          this.#done(partition, false, 'too many records cannot be read');
        else this.#done(partition, true, '');
      });
    }
  }

  /**
   * What the others have forgotten must not come back from a disk that has not (INV-REPL-17): when enough members are there
   * to merge from, what is held goes, and then the recovery begins.
   */
  #discard(partition: number, groups: readonly ReplicaGroup[], others: readonly string[]): void {
    const { standings, records, trees, planted } = this.#node;
    const topology = this.#node.topology();
    const page = { keyspaceId: 0, partition, after: undefined, maxRecords: 1, maxBytes: 1 };
    const members = new Set<string>();
    const next = (): void => {
      standings.dropped(partition);
      standings.unreadable.removePartition(partition);
      for (const { id } of topology.keyspaces) trees.doubt(partition, id);
      this.#host.persist(() => {
        standings.closeStale(partition);
        this.#recover(partition);
      });
    };
    forEachBounded(
      others,
      others.length,
      (from, asked) =>
        sendTo(
          this.#node,
          from,
          { type: 'scan', epoch: partitionEpoch(topology, partition), ...page },
          TRANSFER_TIMEOUT_MS,
          (reply) => {
            if (reply.ok && reply.value.type === 'scan' && reply.value.standing === 'member') members.add(from);
            asked();
          },
        ),
      () => {
        const enough = groups.every(({ others, merges }) => others.filter((id) => members.has(id)).length >= merges);
        if (!enough) return this.#done(partition, false, 'too few members are there to give up what is held');
        if (planted('rolled-back-keeps-data')) return next();
        let dropped = true;
        forEachBounded(
          topology.keyspaces,
          topology.keyspaces.length,
          ({ id }, done) =>
            records.dropPartition(id, partition, (ok) => {
              dropped &&= ok;
              done();
            }),
          () => (dropped ? next() : this.#done(partition, false, 'the local device refused to drop it')),
        );
      },
    );
  }

  /** The other replicas of the partition, keyspace by keyspace of those this node holds. */
  #replicaGroups(partition: number): readonly ReplicaGroup[] {
    const { self } = this.#node;
    const topology = this.#node.topology();
    return topology.keyspaces.flatMap((keyspace): ReplicaGroup[] => {
      const replicas = replicasOf(topology, keyspace, partition);
      if (replicas.includes(self))
        return [{ others: replicas.filter((id) => id !== self), merges: mergesNeeded(replicas.length) }];
      // Whoever comes in by a move has no part in the quorums that it must meet.
      if (!isNewcomer(topology, keyspace, partition, self)) return [];
      return [{ others: replicas, merges: replicas.length - majority(replicas.length) + 1 }];
    });
  }

  /** Merges all that `from` holds of the partition; `done` hears why that does not count, and whether it was all. */
  #transfer(
    partition: number,
    source: Source,
    after: ScanPlace | undefined,
    done: (failure: string | undefined, whole: boolean) => void,
  ): void {
    const { from, progress } = source;
    progress.waits = true;
    this.#node.background.run('recovery', (release) => {
      progress.waits = false;
      const epoch = partitionEpoch(this.#node.topology(), partition);
      const request = { type: 'scan', epoch, keyspaceId: 0, partition, after, ...this.#node.background.page } as const;
      sendTo(this.#node, from, request, TRANSFER_TIMEOUT_MS, (reply) => {
        const fail = (why: string, whole: boolean): void => {
          release(0);
          done(why, whole);
        };
        // A replica whose copy is stale has nothing to tell (INV-REPL-17).
        if (!reply.ok) return fail(reply.error.reason, reply.error.reason === 'RECOVERING');
        if (reply.value.type !== 'scan') return fail('unexpected answer', false);
        const { records, more, standing, unreadable } = reply.value;
        // A disk that may have been rolled back may hold what all others have forgotten.
        if (standing === 'unverified' && !this.#node.planted('forget-unfenced')) return fail('it is unverified', false);
        const trusted =
          standing === 'member' || (standing === 'ambiguous' && this.#node.standings.gap(partition) === 'ambiguous');
        for (const name of unreadable) note(source, name);
        this.#mergeAll(records, { partition, epoch }, (ok) => {
          const bytes = records.reduce((sum, { key, record }) => sum + key.byteLength + record.byteLength, 0);
          this.#progress.moved(progress, records.length, bytes);
          release(bytes);
          if (!ok) return done('a record was refused here', false);
          const last = records.at(-1);
          if (!more || last === undefined || this.#node.planted('recovery-first-page'))
            return done(trusted ? undefined : `it is ${standing}`, true);
          const { keyspaceId, key } = last;
          this.#transfer(partition, source, { keyspaceId, hash: keyHash(key), key }, done);
        });
      });
    });
  }

  /** The partition counts again except for these records; false if they are too many to remember. */
  #keepOpen(partition: number, records: readonly Lacking[], held: boolean): boolean {
    const { unreadable } = this.#node.standings;
    for (const { name } of records) {
      if (unreadable.isFull) return false;
      unreadable.add({ ...name, partition, held });
    }
    return true;
  }

  #mergeAll(
    records: readonly ScannedRecord[],
    route: Pick<Route, 'partition' | 'epoch'>,
    done: (ok: boolean) => void,
  ): void {
    let left = records.length;
    let ok = true;
    const settle = (merged: boolean): void => {
      ok &&= merged;
      if (merged) this.#recordsMerged++;
      if (--left === 0) done(ok);
    };
    if (left === 0) done(true);
    for (const { keyspaceId, key, record } of records) {
      this.#node.records.update(
        new RecordKey(keyspaceId, key),
        (stored) => {
          assertCurrent(this.#node, route);
          return mergeVersions(stored, decodeVersions(record));
        },
        {
          accepted: () => {},
          durable: () => settle(true),
          refused: () => settle(false),
        },
      );
    }
  }
}

/** A record that replicas were asked for and could not tell. */
interface Lacking {
  readonly name: RecordName;
  readonly by: Set<string>;
}

/** Whom a transfer merges from, and what the sources of its recovery lack. */
interface Source {
  readonly from: string;
  readonly lacking: Map<string, Lacking>;
  readonly progress: ReturnType<TransferProgress['begin']>;
}

function note({ from, lacking }: Source, { keyspaceId, key }: RecordName): void {
  const id = `${keyspaceId}/${latin1(key)}`;
  const known = lacking.get(id);
  if (known !== undefined) known.by.add(from);
  else lacking.set(id, { name: { keyspaceId, key: key.slice() }, by: new Set([from]) });
}

interface ReplicaGroup {
  readonly others: readonly string[];
  /** From how many of them there is to merge. */
  readonly merges: number;
}
