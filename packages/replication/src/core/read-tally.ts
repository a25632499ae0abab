import { emptyRecord } from '@ferrite/vector-clock';
import { mergeVersions, type Versions, versionsEqual } from './record.ts';

/** One replica's word on a key. */
export interface ReadVote {
  readonly from: string;
  readonly versions: Versions;
  /** Members count in the quorum; what others say is merged and does not count (P7). */
  readonly counts: boolean;
  /** It gets all that it lacks by its recovery. */
  readonly rebuilds: boolean;
}

/** Gathers what replicas know of one key. A pure accumulator. */
export class ReadTally {
  readonly needed: number;
  readonly #votes: ReadVote[] = [];
  #members = 0;

  constructor(needed: number) {
    this.needed = needed;
  }

  add(vote: ReadVote): void {
    this.#votes.push(vote);
    if (vote.counts) this.#members++;
  }

  get enough(): boolean {
    return this.#members >= this.needed;
  }

  get members(): number {
    return this.#members;
  }

  /** What all votes know together. */
  merged(): Versions {
    return this.#votes.reduce<Versions>((all, vote) => mergeVersions(all, vote.versions), emptyRecord);
  }

  /** Voters that do not know all of `merged`, those that are being rebuilt apart, and those that do. */
  compare(merged: Versions): {
    readonly stale: readonly string[];
    readonly rebuilding: readonly string[];
    readonly current: readonly string[];
  } {
    const stale: string[] = [];
    const rebuilding: string[] = [];
    const current: string[] = [];
    for (const { from, versions, rebuilds } of this.#votes) {
      if (versionsEqual(versions, merged)) current.push(from);
      else (rebuilds ? rebuilding : stale).push(from);
    }
    return { stale, rebuilding, current };
  }
}
