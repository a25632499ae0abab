import { StoreError } from '@ferrite/errors';
import { RETRY_AFTER_MS, TRANSFER_TIMEOUT_MS } from './limits.ts';
import type { Outcome, PeerResponse } from './message.ts';
import { mergesNeeded } from './quorum.ts';
import { decodeVersions, mergeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { keyspaceById, replicasOf } from './replicas.ts';
import { assertCurrent } from './route.ts';
import { partitionEpoch } from './topology-moves.ts';
import type { UnreadableRecord } from './unreadable-records.ts';

/** Progress of the repair of single records. */
export interface RecordRepairStatus {
  readonly unreadable: number;
  readonly repaired: number;
  /** Why the last attempt did not mend its record; empty if it did. */
  readonly stalled: string;
}

/**
 * Mends records that this node cannot read (INV-REPL-13): merges what the other replicas hold, from as many members as
 * meet every write quorum (P7). Where replicas cannot read the same record, it is mended when every other replica has
 * said what it has, and one of them, or this one, had it: nobody is left who could know more.
 */
export class RecordRepair {
  readonly #node: ReplicaContext;
  readonly #mended: () => void;
  readonly #active = new Set<UnreadableRecord>();
  #repaired = 0;
  #stalled = '';
  #retryArmed = false;

  /** `mended` is told when a record counts again. */
  constructor(node: ReplicaContext, mended: () => void) {
    this.#node = node;
    this.#mended = mended;
  }

  /** Takes up every unreadable record. Call it when the node is verified, and when a record is found. */
  run(): void {
    const { standings, background } = this.#node;
    if (!standings.verified) return;
    for (const record of standings.unreadable.all()) {
      if (this.#active.has(record)) continue;
      this.#active.add(record);
      background.run('record-repair', (release) => this.#repair(record, release));
    }
  }

  status(): RecordRepairStatus {
    const unreadable = this.#node.standings.unreadable.size;
    return { unreadable, repaired: this.#repaired, stalled: unreadable === 0 ? '' : this.#stalled };
  }

  #repair(record: UnreadableRecord, release: (bytes: number) => void): void {
    const { standings, self, planted, fences } = this.#node;
    const topology = this.#node.topology();
    const { keyspaceId, partition, key } = record;
    const fence = fences.own(partition);
    const epoch = partitionEpoch(topology, partition);
    const openings = standings.unreadable.openings(record);
    const keyspace = keyspaceById(topology, keyspaceId);
    const others = keyspace ? replicasOf(topology, keyspace, partition).filter((id) => id !== self) : [];
    const needed = planted('repair-from-one') ? 1 : mergesNeeded(others.length + 1);
    let left = others.length;
    let merged = 0;
    let unreadable = 0;
    let bytes = 0;
    const failures: string[] = [];
    let decided = false;
    const settle = (): void => {
      left--;
      if (decided || (left > 0 && merged < needed)) return;
      decided = true;
      release(bytes);
      this.#active.delete(record);
      // Found damaged once more meanwhile: again from the beginning.
      const same = standings.unreadable.openings(record) === openings;
      const allTold = (merged > 0 || record.held) && merged + unreadable === others.length;
      if (same && (merged >= needed || allTold)) return this.#close(record, merged < needed || others.length === 0);
      this.#stalled = failures.join('; ') || 'no other replica can read it';
      this.#retryLater();
    };
    if (others.length === 0) return settle();
    for (const from of others) {
      sendTo(this.#node, from, { type: 'read', epoch, keyspaceId, key }, TRANSFER_TIMEOUT_MS, (reply) => {
        const told = wordOf(reply);
        if (told === 'unreadable') unreadable++;
        if (typeof told === 'string') {
          failures.push(`${from}: ${told}`);
          return settle();
        }
        bytes += told.byteLength;
        const change = (stored: Versions): Versions => {
          // An answer that is later than the repair may be older than what was forgotten since (INV-REPL-16).
          assertCurrent(this.#node, { partition, epoch });
          if (fences.own(partition) !== fence) throw new StoreError('RECOVERING');
          return mergeVersions(stored, decodeVersions(told));
        };
        this.#node.records.update(new RecordKey(keyspaceId, key), change, {
          accepted: () => {},
          durable: () => {
            merged++;
            settle();
          },
          refused: (error) => {
            failures.push(`the local device: ${error.reason}`);
            settle();
          },
        });
      });
    }
  }

  #close(record: UnreadableRecord, doubtful: boolean): void {
    const { standings, desk } = this.#node;
    const { keyspaceId, partition } = record;
    standings.unreadable.remove(record);
    this.#repaired++;
    this.#stalled = '';
    const text = doubtful
      ? 'too few replicas could read a record; its last writes may be lost'
      : 'a record that could not be read is whole again';
    desk.emit({ type: 'note', level: doubtful ? 'warn' : 'info', text, facts: { keyspaceId, partition } });
    this.#mended();
  }

  #retryLater(): void {
    if (this.#retryArmed) return;
    this.#retryArmed = true;
    this.#node.desk.timer(RETRY_AFTER_MS, () => {
      this.#retryArmed = false;
      this.run();
    });
  }
}

/** The record that a member told, or why its answer does not count. */
function wordOf(reply: Outcome<PeerResponse>): Uint8Array | string {
  if (!reply.ok) return reply.error.reason;
  if (reply.value.type !== 'read') return 'unexpected answer';
  return reply.value.standing === 'member' ? reply.value.record : reply.value.standing;
}
