import { keyHash } from '@ferrite/hashing';
import { mergeRecords } from '@ferrite/vector-clock';
import {
  RETRY_AFTER_MS,
  TRANSFER_PAGE_BYTES,
  TRANSFER_PAGE_RECORDS,
  TRANSFER_TIMEOUT_MS,
  TRANSFERS_MAX,
} from './limits.ts';
import type { ScannedRecord, ScanPlace } from './message.ts';
import { mergesNeeded } from './quorum.ts';
import { decodeVersions } from './record.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { replicasOf } from './replicas.ts';

/** Progress of this node's recovery. */
export interface RecoveryStatus {
  readonly recovering: number;
  readonly ambiguous: number;
  readonly recordsMerged: number;
  /** Why nothing moves at the moment, if nothing does. */
  readonly stalled: string;
}

/**
 * Closes the gaps of this node's partitions by merging what the other replicas hold: after a wipe from so many members
 * that every write quorum is met (P7), after an ambiguous tail from every other replica that can be reached, at least one
 * (P17). Partition by partition, a few at a time, page by page; what fails is tried again.
 */
export class Recovery {
  readonly #node: ReplicaContext;
  readonly #closed: (partition: number) => void;
  readonly #answers: (peer: string) => boolean;
  readonly #queue: number[] = [];
  readonly #queued = new Set<number>();
  #active = 0;
  #recordsMerged = 0;
  #stalled = '';
  #retryArmed = false;

  /** `closed` is told of each partition that counts again; `answers` tells whether a peer answered the last greeting. */
  constructor(node: ReplicaContext, closed: (partition: number) => void, answers: (peer: string) => boolean) {
    this.#node = node;
    this.#closed = closed;
    this.#answers = answers;
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
    const { standings } = this.#node;
    return {
      recovering: standings.partitions('recovering').length,
      ambiguous: standings.partitions('ambiguous').length,
      recordsMerged: this.#recordsMerged,
      stalled: standings.gaps === 0 ? '' : this.#stalled,
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
      this.#closed(partition);
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
    if (gap === undefined || others.length === 0) return this.#done(partition, true, '');

    const merged = new Set<string>();
    const heard = new Set<string>();
    const failures: string[] = [];
    let left = others.length;
    let decided = false;
    for (const from of others) {
      this.#transfer(partition, from, undefined, (failure, whole) => {
        if (whole) heard.add(from);
        if (failure === undefined) merged.add(from);
        else failures.push(`${from}: ${failure}`);
        left--;
        const early = planted('recovery-from-one') && merged.size > 0;
        if (decided || (left > 0 && !early)) return;
        decided = true;
        // A gap that opened wider meanwhile starts again from the beginning.
        const same = standings.openings(partition) === openings;
        const enough = (group: ReplicaGroup): boolean => {
          const count = group.others.filter((id) => merged.has(id)).length;
          if (group.others.length === 0 || early) return true;
          if (gap === 'recovering') return count >= mergesNeeded(group.others.length + 1);
          // What one replica may have lost of its log's end any of the others may have, whatever else it lacks.
          const missed = group.others.some((id) => !heard.has(id) && this.#answers(id));
          return count >= 1 && (!missed || planted('ambiguous-hears-some'));
        };
        this.#done(partition, same && groups.every(enough), failures.join('; ') || 'too few replicas to merge from');
      });
    }
  }

  /** The other replicas of the partition, keyspace by keyspace of those this node holds. */
  #replicaGroups(partition: number): readonly ReplicaGroup[] {
    const { self } = this.#node;
    const topology = this.#node.topology();
    return topology.keyspaces
      .map((keyspace) => replicasOf(topology, keyspace, partition))
      .filter((replicas) => replicas.includes(self))
      .map((replicas) => ({ others: replicas.filter((id) => id !== self) }));
  }

  /** Merges all that `from` holds of the partition; `done` hears why that does not count, and whether it was all. */
  #transfer(
    partition: number,
    from: string,
    after: ScanPlace | undefined,
    done: (failure: string | undefined, whole: boolean) => void,
  ): void {
    const epoch = this.#node.topology().tableEpoch;
    const page = { maxRecords: TRANSFER_PAGE_RECORDS, maxBytes: TRANSFER_PAGE_BYTES };
    sendTo(
      this.#node,
      from,
      { type: 'scan', epoch, keyspaceId: 0, partition, after, ...page },
      TRANSFER_TIMEOUT_MS,
      (reply) => {
        if (!reply.ok) return done(reply.error.reason, false);
        if (reply.value.type !== 'scan') return done('unexpected answer', false);
        const { records, more, standing } = reply.value;
        const trusted =
          standing === 'member' || (standing === 'ambiguous' && this.#node.standings.gap(partition) === 'ambiguous');
        this.#mergeAll(records, (ok) => {
          if (!ok) return done('the local device refused a record', false);
          const last = records.at(-1);
          if (!more || last === undefined || this.#node.planted('recovery-first-page'))
            return done(trusted ? undefined : `it is ${standing}`, true);
          this.#transfer(
            partition,
            from,
            { keyspaceId: last.keyspaceId, hash: keyHash(last.key), key: last.key },
            done,
          );
        });
      },
    );
  }

  #mergeAll(records: readonly ScannedRecord[], done: (ok: boolean) => void): void {
    let left = records.length;
    let ok = true;
    const settle = (merged: boolean): void => {
      ok &&= merged;
      if (merged) this.#recordsMerged++;
      if (--left === 0) done(ok);
    };
    if (left === 0) done(true);
    for (const { keyspaceId, key, record } of records) {
      this.#node.records.update(keyspaceId, key, (stored) => mergeRecords(stored, decodeVersions(record)), {
        accepted: () => {},
        durable: () => settle(true),
        refused: () => settle(false),
      });
    }
  }
}

interface ReplicaGroup {
  readonly others: readonly string[];
}
