import { partitionOf } from '@ferrite/hashing';
import type { Actors } from './actors.ts';
import { fromLatin1 } from './bytes.ts';
import type { Desk } from './desk.ts';
import type { DamageReport } from './event.ts';
import { DAMAGE_NAMED_WITHIN_MS, SYSTEM_KEYSPACE } from './limits.ts';
import type { Planted } from './mutation.ts';
import { placeOf } from './place.ts';
import type { StoreReport } from './replica-config.ts';
import type { Standings } from './standings.ts';
import type { SystemState } from './system-state.ts';

/** What finding damage leads to. */
export interface DamageHost {
  readonly desk: Desk;
  readonly standings: Standings;
  readonly actors: Actors;
  readonly planted: Planted;
  partitionBits(): number;
  ownPartitions(): readonly number[];
  /** Reads a record, and tells {@link Damage.record} if it cannot. */
  look(keyspaceId: number, key: Uint8Array): void;
  /** What is stored may not be what it was. */
  doubt(): void;
  /** Makes the node's state durable, then calls back. */
  persist(then: () => void): void;
  /** A gap or an unreadable record is there and durable: mend it. */
  mend(): void;
}

/** Is told how many records a page left out without saying which. */
export type DamageWatch = (leftOut: number) => void;

/**
 * What is done when something acknowledged cannot be read (P3, P7): where the key is known, the node stops vouching for
 * that record alone, until others have told what it was (INV-REPL-13); where it is not, the whole partition recovers. In
 * both cases the partition's next write gets a new actor: which dots were used is no longer known.
 */
export class Damage {
  readonly #host: DamageHost;
  /** How often damage was named in a partition. */
  readonly #named = new Map<number, number>();
  #unnamed = 0;

  constructor(host: DamageHost) {
    this.#host = host;
  }

  /** What the last life knew to be missing and what the engine found at open; the first state written holds it. */
  atOpen(report: StoreReport, prior: SystemState | undefined, systemReadable: boolean): void {
    const { standings, actors, planted } = this.#host;
    const own = this.#host.ownPartitions();
    for (const partition of prior?.recovering ?? []) standings.open(partition, 'recovering');
    for (const partition of prior?.stale ?? []) standings.openStale(partition);
    for (const partition of prior?.ambiguous ?? []) standings.open(partition, 'ambiguous');
    if (report.tail === 'ambiguous' && !planted('ambiguous-counts-at-once')) {
      for (const partition of own) standings.open(partition, 'ambiguous');
    }
    for (const { keyspaceId, key, held } of prior?.unreadable ?? []) this.#lost(keyspaceId, fromLatin1(key), held);
    // Without its own record the node knows nothing of what it held.
    const found = systemReadable ? report.damaged : [...report.damaged, {}];
    for (const { keyspace, partition, key } of found) {
      if (keyspace === SYSTEM_KEYSPACE && systemReadable) continue;
      if (keyspace !== undefined && key !== undefined && this.#lost(keyspace, key)) continue;
      for (const each of partition === undefined ? own : [partition]) {
        standings.openStale(each);
        actors.retire(each);
      }
    }
  }

  /** A record cannot be read; `then` is called when that is durable, so that it may be written over. */
  record(keyspaceId: number, key: Uint8Array, then: () => void): void {
    const { standings, desk } = this.#host;
    this.#host.doubt();
    const partition = this.#partitionOf(key);
    this.#countName(partition);
    const fresh = !standings.unreadable.has(keyspaceId, key);
    if (!this.#lost(keyspaceId, key)) return this.#recover(partition, then);
    if (fresh) {
      const facts = { keyspaceId, partition };
      desk.emit({
        type: 'note',
        level: 'warn',
        text: 'a record cannot be read; it is merged from its replicas',
        facts,
      });
    }
    this.#host.persist(() => {
      if (fresh) this.#host.mend();
      then();
    });
  }

  /** From now on the node does not vouch for the record; false if it knows too many of the kind already. */
  #lost(keyspaceId: number, key: Uint8Array, held = false): boolean {
    const { standings, actors, planted } = this.#host;
    const { unreadable } = standings;
    const partition = this.#partitionOf(key);
    if (unreadable.isFull && !unreadable.has(keyspaceId, key)) return false;
    if (!planted('damage-keeps-actor')) actors.retire(partition);
    // The key outlives the bytes it was read from.
    unreadable.add({ keyspaceId, partition, key: key.slice(), held });
    return true;
  }

  #countName(partition: number): void {
    this.#named.set(partition, (this.#named.get(partition) ?? 0) + 1);
  }

  #partitionOf(key: Uint8Array): number {
    return partitionOf(placeOf(key).hash, this.#host.partitionBits());
  }

  /** Records of the partition cannot be read, nobody knows which: all of it recovers. */
  partition(partition: number, then: () => void): void {
    this.#host.doubt();
    // Where newer records are lost, older ones may have come to light.
    this.#recover(partition, then, true);
  }

  #recover(partition: number, then: () => void, stale = false): void {
    const { standings, actors, desk, planted } = this.#host;
    if (!planted('damage-keeps-actor')) actors.retire(partition);
    const known = standings.gap(partition) === 'recovering';
    if (stale) standings.openStale(partition);
    else standings.open(partition, 'recovering');
    standings.unreadable.removePartition(partition);
    if (known) return this.#host.persist(then);
    const facts = { partition };
    desk.emit({ type: 'note', level: 'warn', text: 'records cannot be read; their partition recovers', facts });
    this.#host.persist(() => {
      this.#host.mend();
      then();
    });
  }

  /**
   * To be called before a page of the partition is read, and what it gives with the number of records that the page left
   * out without saying which. The engine names them about then, or they cannot be named: then the partition recovers.
   */
  watch(partition: number): DamageWatch {
    const named = (): number => this.#named.get(partition) ?? 0;
    const before = named();
    return (leftOut) => {
      if (named() - before >= leftOut) return;
      this.#unnamed++;
      this.#host.desk.timer(DAMAGE_NAMED_WITHIN_MS, () => {
        this.#unnamed--;
        if (named() - before < leftOut) this.partition(partition, () => {});
      });
    };
  }

  /** Pages that have left out records which the engine has not named yet. */
  get unnamed(): number {
    return this.#unnamed;
  }

  /** What the engine found by itself. */
  report({ keyspace, partition, key }: DamageReport): void {
    this.#host.doubt();
    // The node's own documents are written anew from what it knows.
    if (keyspace === SYSTEM_KEYSPACE) return this.#host.persist(() => {});
    if (keyspace !== undefined && key !== undefined) {
      this.#countName(this.#partitionOf(key));
      if (this.#host.standings.unreadable.has(keyspace, key)) return;
      // A report may be older than what has been written since; whoever wrote that has met the damage.
      return this.#host.look(keyspace, key);
    }
    for (const each of partition === undefined ? this.#host.ownPartitions() : [partition]) {
      this.partition(each, () => {});
    }
  }
}
