import { type CausalContext, contains, type Dot } from '@ferrite/vector-clock';
import type { WriteRecord } from './history.ts';

/** So many replacements of a value are remembered; the others follow from them nearly always. */
const REPLACEMENTS_ENOUGH = 6;
const REPLACEMENTS_MAX = 24;

/** A write that replaced a value: whoever knows its dot must no longer hold the value. */
interface Replacement {
  readonly dot: Dot;
  readonly write: WriteRecord;
}

/** A dot, the write it names, and what is known of its end. */
export interface DotEntry {
  readonly dot: Dot;
  readonly write: WriteRecord;
  readonly replacements: Replacement[];
  /** When the first promised write that replaced it was acknowledged. */
  promisedEnd: number;
  /** When the first write began that may have replaced it, and the first such whose own dot nobody has seen. */
  firstStart: number;
  firstUnseenStart: number;
  /** When the first repaired read ended that returned it. */
  shownAt: number;
  /** When a repaired read first ended that knew of it and did not return it. */
  goneAt: number;
  goneBy: number;
}

/** The dots of one key, as the answers to writes and the values in reads tell them. */
export class DotIndex {
  readonly entries: DotEntry[] = [];
  readonly #byName = new Map<string, DotEntry>();
  readonly #byWrite = new Map<WriteRecord, DotEntry>();
  readonly #repeated = new Set<WriteRecord>();

  /** Learns that `dot` names `write`; gives the entry that contradicts it, if there is one. */
  learn(dot: Dot, write: WriteRecord): DotEntry | undefined {
    const name = `${dot.actor}#${dot.counter}`;
    const known = this.#byName.get(name);
    if (known !== undefined) return known.write === write ? undefined : known;
    const entry: DotEntry = {
      dot,
      write,
      replacements: [],
      promisedEnd: Number.POSITIVE_INFINITY,
      firstStart: Number.POSITIVE_INFINITY,
      firstUnseenStart: Number.POSITIVE_INFINITY,
      shownAt: Number.POSITIVE_INFINITY,
      goneAt: Number.POSITIVE_INFINITY,
      goneBy: -1,
    };
    this.#byName.set(name, entry);
    this.entries.push(entry);
    const twin = this.#byWrite.get(write);
    if (twin === undefined) this.#byWrite.set(write, entry);
    else this.#repeated.add(write);
    return twin;
  }

  /** The other dots of the write of an entry: one that was sent again may have several. */
  twinsOf({ write, dot }: DotEntry): readonly DotEntry[] {
    const first = this.#byWrite.get(write);
    return first?.dot === dot && !this.#repeated.has(write)
      ? []
      : this.entries.filter((each) => each.write === write && each.dot !== dot);
  }

  /** All dots of a write. */
  dotsOf(write: WriteRecord): readonly Dot[] {
    const first = this.#byWrite.get(write);
    return first === undefined ? [] : [first.dot, ...this.twinsOf(first).map(({ dot }) => dot)];
  }

  ofWrite(write: WriteRecord): DotEntry | undefined {
    return this.#byWrite.get(write);
  }

  of(dot: Dot): DotEntry | undefined {
    return this.#byName.get(`${dot.actor}#${dot.counter}`);
  }

  /** Goes through the writes in the order of time and notes which replaced which. Call it when all dots are known. */
  noteReplacements(writes: readonly WriteRecord[], isPromised: (write: WriteRecord) => boolean): void {
    const steps: { readonly at: number; readonly run: () => void }[] = [];
    let open: DotEntry[] = [];
    for (const entry of this.entries)
      if (entry.write.kind === 'put') steps.push({ at: entry.write.startedAt, run: () => open.push(entry) });
    for (const write of writes) {
      const covers = coverOf(write);
      if (covers === undefined || covers.entries.length === 0 || write.outcome === 'none') continue;
      const own = this.#byWrite.get(write)?.dot;
      const promised = isPromised(write);
      const replace = (): void => {
        let full = false;
        for (const entry of open) {
          if (entry.write === write || !contains(covers, entry.dot)) continue;
          note(entry, write, own, promised);
          full ||= isFull(entry);
        }
        if (full) open = open.filter((entry) => !isFull(entry));
      };
      // A delete of what a quorum saw covers what was there at any time until it ended.
      steps.push({ at: write.context === undefined ? write.endedAt : write.startedAt, run: replace });
    }
    steps.sort((a, b) => a.at - b.at);
    for (const { run } of steps) run();
  }
}

/** What a write replaced, as far as it is known: the values in its context, or what the answer of a blind delete covers. */
export function coverOf(write: WriteRecord): CausalContext | undefined {
  return write.context ?? (write.kind === 'delete' ? write.response : undefined);
}

function note(entry: DotEntry, write: WriteRecord, own: Dot | undefined, promised: boolean): void {
  entry.firstStart = Math.min(entry.firstStart, write.startedAt);
  if (own === undefined) entry.firstUnseenStart = Math.min(entry.firstUnseenStart, write.startedAt);
  else entry.replacements.push({ dot: own, write });
  if (promised) entry.promisedEnd = Math.min(entry.promisedEnd, write.endedAt);
}

function isFull({ replacements, promisedEnd }: DotEntry): boolean {
  const enough = replacements.length >= REPLACEMENTS_ENOUGH && promisedEnd < Number.POSITIVE_INFINITY;
  return enough || replacements.length >= REPLACEMENTS_MAX;
}
