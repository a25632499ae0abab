import type { Actors } from './actors.ts';
import type { Desk } from './desk.ts';
import { forEachBounded } from './for-each-bounded.ts';
import { SYSTEM_RETRY_MS } from './limits.ts';
import type { LocalRecords } from './local-records.ts';
import type { Planted } from './mutation.ts';
import type { Standings } from './standings.ts';
import type { TopologyDocument } from './topology.ts';
import { isNewcomer, keepsPartition, moveOf } from './topology-moves.ts';

/** What the holdings need of the node. */
export interface HoldingsHost {
  readonly self: string;
  readonly desk: Desk;
  readonly standings: Standings;
  readonly actors: Actors;
  readonly records: LocalRecords;
  readonly planted: Planted;
  topology(): TopologyDocument;
  /** Makes the node's state durable, these holdings in it. */
  persist(then: () => void): void;
  /** Takes up what is missing here. */
  mend(): void;
}

/**
 * The partitions that this node keeps, keyspace by keyspace, as its disk knows them: what it is given it takes up empty, as a
 * replica whose data is missing (P7), under a new actor (P3), and what it no longer has a part in it drops (P14).
 */
export class Holdings {
  readonly #host: HoldingsHost;
  readonly #held: Map<number, Set<number>>;
  /** What is to be dropped, and not held any more. */
  readonly #drops: Map<number, Set<number>>;
  #durableEpoch = 0;
  #dropping = false;

  /** @param kept what the last life has stored; `undefined`: nothing is known, and what the table says is taken for held */
  constructor(host: HoldingsHost, kept: HoldingsRecord | undefined) {
    this.#host = host;
    this.#held = fromRecord(kept?.held);
    this.#drops = fromRecord(kept?.drops);
  }

  /** The last document that this node has fully taken up, and could not forget. */
  get durableEpoch(): number {
    return this.#durableEpoch;
  }

  /** Takes up a document, when the node's state may be written. */
  adopt(): void {
    const document = this.#host.topology();
    const { self } = this.#host;
    let changed = false;
    let opened = false;
    for (const keyspace of document.keyspaces) {
      const known = this.#held.get(keyspace.id);
      const held = known ?? new Set<number>();
      this.#held.set(keyspace.id, held);
      for (let partition = 0; partition < document.table.length; partition++) {
        const keeps = keepsPartition(document, keyspace, partition, self);
        if (held.has(partition) === keeps && !this.#leavesEarly(document, partition)) continue;
        changed = true;
        if (!keeps || held.has(partition)) {
          this.#letGo(keyspace.id, partition);
          continue;
        }
        // A keyspace that has just come to be has nothing to miss.
        const comes = known !== undefined || isNewcomer(document, keyspace, partition, self);
        if (comes) this.#open(partition);
        opened ||= comes;
        this.#drops.get(keyspace.id)?.delete(partition);
        held.add(partition);
      }
    }
    const { epoch } = document;
    const taken = (): void => {
      this.#durableEpoch = Math.max(this.#durableEpoch, epoch);
      if (opened) this.#host.mend();
      this.#drop();
    };
    if (changed) this.#host.persist(taken);
    else taken();
  }

  /** For the node's state. */
  toRecord(): HoldingsRecord {
    return { held: toRecord(this.#held), drops: toRecord(this.#drops) };
  }

  /** What there is may be of an earlier time, unless another keyspace's records there have been kept. */
  #open(partition: number): void {
    const { standings, actors } = this.#host;
    if (this.#holds(partition)) standings.open(partition, 'recovering');
    else standings.openStale(partition);
    actors.retire(partition);
  }

  #letGo(keyspaceId: number, partition: number): void {
    const { standings, actors } = this.#host;
    this.#held.get(keyspaceId)?.delete(partition);
    const drops = this.#drops.get(keyspaceId) ?? new Set();
    this.#drops.set(keyspaceId, drops.add(partition));
    if (this.#holds(partition)) return;
    standings.forget(partition);
    actors.retire(partition);
  }

  #holds(partition: number): boolean {
    for (const held of this.#held.values()) if (held.has(partition)) return true;
    return false;
  }

  /** Drops what this node has no part in any more, one after the other; what the device refuses or comes meanwhile, in a while. */
  #drop(): void {
    if (this.#dropping) return;
    const drops = [...this.#drops].flatMap(([keyspaceId, partitions]) =>
      [...partitions].map((partition) => ({ keyspaceId, partition })),
    );
    if (drops.length === 0) return;
    this.#dropping = true;
    forEachBounded(
      drops,
      1,
      ({ keyspaceId, partition }, next) => {
        // It may have come back meanwhile.
        if (this.#drops.get(keyspaceId)?.has(partition) !== true) return next();
        this.#host.records.dropPartition(keyspaceId, partition, (ok) => {
          if (ok && this.#drops.get(keyspaceId)?.delete(partition) === true) return this.#host.persist(next);
          next();
        });
      },
      () => {
        this.#dropping = false;
        this.#host.desk.timer(SYSTEM_RETRY_MS, () => this.#drop());
      },
    );
  }

  #leavesEarly(document: TopologyDocument, partition: number): boolean {
    const move = moveOf(document, partition);
    if (move?.phase !== 'widen' || !this.#host.planted('move-drops-early') || !this.#holds(partition)) return false;
    return !move.target.includes(document.nodes.findIndex(({ id }) => id === this.#host.self));
  }
}

/** Partitions by keyspace id, as ranges. */
export interface HoldingsRecord {
  readonly held: Readonly<Record<string, string>>;
  readonly drops: Readonly<Record<string, string>>;
}

function toRecord(partitions: ReadonlyMap<number, ReadonlySet<number>>): Record<string, string> {
  return Object.fromEntries([...partitions].map(([keyspaceId, each]) => [keyspaceId, toRanges(each)]));
}

function fromRecord(record: Readonly<Record<string, string>> = {}): Map<number, Set<number>> {
  return new Map(Object.entries(record).map(([keyspaceId, ranges]) => [Number(keyspaceId), fromRanges(ranges)]));
}

/** Numbers as ascending ranges, such as `0-3 7`. */
export function toRanges(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    ranges.push(end === at ? String(sorted[at]) : `${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return ranges.join(' ');
}

export function fromRanges(text: string): Set<number> {
  const numbers = new Set<number>();
  for (const range of text.split(' ')) {
    const [first, last = first] = range.split('-').map(Number);
    if (range === '' || first === undefined || last === undefined) continue;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}
