import { VERIFY_WAITERS_MAX } from './limits.ts';
import type { Standing } from './message.ts';
import { UnreadableRecords } from './unreadable-records.ts';

type Gap = 'recovering' | 'ambiguous';

/** What this node's word is worth, partition by partition (P7, P9, P17). */
export class Standings {
  /** Records this node does not vouch for, in partitions for which it may. */
  readonly unreadable = new UnreadableRecords();
  readonly #gaps = new Map<number, Gap>();
  readonly #stale = new Map<number, 'held' | 'dropped'>();
  readonly #openings = new Map<number, number>();
  #verified = false;
  readonly #waiters: (() => void)[] = [];

  /** The boot is registered, and no peer knows a later one. */
  get verified(): boolean {
    return this.#verified;
  }

  verify(): void {
    this.#verified = true;
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Calls `then` once the node is verified, at once if it is; false if too many wait already. */
  whenVerified(then: () => void): boolean {
    if (this.#verified) then();
    else if (this.#waiters.length < VERIFY_WAITERS_MAX) this.#waiters.push(then);
    else return false;
    return true;
  }

  of(partition: number): Standing {
    return this.verified ? (this.#gaps.get(partition) ?? 'member') : 'unverified';
  }

  isMember(partition: number): boolean {
    return this.verified && !this.#gaps.has(partition);
  }

  /** What it is worth for one record of the partition. */
  ofRecord(partition: number, keyspaceId: number, key: Uint8Array): Standing {
    const standing = this.of(partition);
    return standing === 'member' && this.unreadable.has(keyspaceId, key) ? 'unreadable' : standing;
  }

  /** Why the partition does not count yet, registered or not. */
  gap(partition: number): Gap | undefined {
    return this.#gaps.get(partition);
  }

  /** A worse gap replaces a lesser one, never the other way round. */
  open(partition: number, gap: Gap): void {
    this.#openings.set(partition, this.openings(partition) + 1);
    if (this.#gaps.get(partition) !== 'recovering') this.#gaps.set(partition, gap);
  }

  /**
   * What is held of the partition may be older than what all others have forgotten (P8): it is told to nobody, and goes
   * before the partition is merged from the others. Nothing is taken meanwhile either.
   */
  isStale(partition: number): boolean {
    return this.#stale.has(partition);
  }

  openStale(partition: number): void {
    this.open(partition, 'recovering');
    this.#stale.set(partition, 'held');
  }

  /** What was held is gone; from the next durable state on the partition is not stale any more. */
  dropped(partition: number): void {
    this.#stale.set(partition, 'dropped');
  }

  /** The state that says so is durable. */
  closeStale(partition: number): void {
    // It may have become stale once more meanwhile.
    if (this.#stale.get(partition) === 'dropped') this.#stale.delete(partition);
  }

  /** What is held is all there is. */
  dropStale(partition: number): void {
    this.#stale.delete(partition);
  }

  /** Partitions of which old data is held still, ascending. */
  stale(): readonly number[] {
    return [...this.#stale].flatMap(([partition, what]) => (what === 'held' ? [partition] : [])).sort((a, b) => a - b);
  }

  /** This node has no part in the partition any more. */
  forget(partition: number): void {
    this.#gaps.delete(partition);
    this.#stale.delete(partition);
    this.unreadable.removePartition(partition);
  }

  /** How often a gap was opened here: a merge that began before the last one has not closed it. */
  openings(partition: number): number {
    return this.#openings.get(partition) ?? 0;
  }

  close(partition: number): void {
    this.#gaps.delete(partition);
  }

  /** Partitions with this gap, ascending. */
  partitions(gap: Gap): readonly number[] {
    return [...this.#gaps]
      .filter(([, each]) => each === gap)
      .map(([partition]) => partition)
      .sort((a, b) => a - b);
  }

  get gaps(): number {
    return this.#gaps.size;
  }
}
