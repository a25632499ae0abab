import {
  actorsOf,
  addDot,
  type CausalContext,
  contains,
  type Dot,
  descends,
  dot,
  emptyContext,
  highestCounter,
  isEmptyContext,
  SIBLINGS_MAX,
} from '@ferrite/vector-clock';
import { needed } from '../core/quorum.ts';
import { TOKENED_WRITES_MAX } from '../core/tokened-writes.ts';
import { checkScans } from './check-scans.ts';
import { coverOf, type DotEntry, DotIndex } from './dot-index.ts';
import { checkFloor, type Demand, type Requirement } from './floor.ts';
import type { FinalState, History, ReadRecord, Rule, SeenValue, Violation, WriteRecord } from './history.ts';

/**
 * Every promise of P4, P10 and P19 that `history` breaks. It judges only by what clients sent and saw, and by what the
 * replicas hold in the end; nothing of the core's own bookkeeping is believed.
 */
export function checkHistory(history: History): readonly Violation[] {
  const violations: Violation[] = [];
  for (const [key, ofKey] of byKey(history))
    new KeyChecker(ofKey, (rule, what) => violations.push({ rule, what: `${key}: ${what}` })).check();
  checkScans(history.scans, (rule, what) => violations.push({ rule, what }));
  return violations;
}

type KeyHistory = Pick<History, 'writes' | 'reads' | 'finals' | 'kept' | 'forgets' | 'policy'>;

function byKey({ writes, reads, finals, ...rest }: History): Map<string, KeyHistory> {
  const keys = new Map<string, { writes: WriteRecord[]; reads: ReadRecord[]; finals: FinalState[] } & KeyHistory>();
  const of = (key: string): { writes: WriteRecord[]; reads: ReadRecord[]; finals: FinalState[] } => {
    let ofKey = keys.get(key);
    if (ofKey === undefined) keys.set(key, (ofKey = { writes: [], reads: [], finals: [], ...rest }));
    return ofKey;
  };
  for (const write of writes) of(write.key).writes.push(write);
  for (const read of reads) of(read.key).reads.push(read);
  for (const final of finals) of(final.key).finals.push(final);
  return keys;
}

class KeyChecker {
  readonly #history: KeyHistory;
  readonly #report: (rule: Rule, what: string) => void;
  readonly #puts: ReadonlyMap<string, WriteRecord>;
  readonly #dots = new DotIndex();
  readonly #promised: readonly WriteRecord[];
  readonly #lww: boolean;
  /** When the first delete began that may have removed anything: one that nobody answered, or any where the last write wins. */
  readonly #wildDelete: number;

  constructor(history: KeyHistory, report: (rule: Rule, what: string) => void) {
    this.#history = history;
    this.#report = report;
    this.#puts = new Map(history.writes.filter(({ kind }) => kind === 'put').map((put) => [put.value, put]));
    this.#promised = history.writes.filter(isPromised);
    this.#lww = history.policy === 'lww';
    const wild = history.writes.filter((write) =>
      this.#lww
        ? write.kind === 'delete' && write.outcome !== 'none'
        : write.outcome === 'unknown' && isBlindDelete(write),
    );
    this.#wildDelete = Math.min(Number.POSITIVE_INFINITY, ...wild.map(({ startedAt }) => startedAt));
  }

  check(): void {
    const { writes, reads, finals } = this.#history;
    for (const write of writes) this.#checkAnswer(write);
    for (const read of reads) this.#learnDots(read.values, `read ${read.id}`);
    for (const final of finals) this.#learnDots(final.values, final.node);
    this.#dots.noteReplacements(writes, isPromised);
    const ended = [...reads].sort((a, b) => a.endedAt - b.endedAt);
    this.#checkMissing(ended);
    for (const read of ended) {
      this.#checkValues(read);
      this.#checkDemand(read);
      if (read.source === 'scan-absent') this.#checkAbsent(read);
      else if (read.consistency === 'ONE') this.#checkOne(read);
      else this.#checkGhosts(read);
    }
    this.#checkFloor();
    this.#checkFinals();
  }

  /** P10 and P4: so many copies as were asked for, and the answer to a write is the context of the request and one dot that is new. */
  #checkAnswer(write: WriteRecord): void {
    const { response, context, id } = write;
    if (response === undefined) return;
    const copies = (write.durability === 'DEVICE' ? write.durable : write.acked) + (write.hinted ?? 0);
    const { replicas, moved = false } = write;
    if (!moved && (copies < needed(write.consistency, replicas) || write.acked > replicas))
      this.#report('short-ack', `write ${id} was acknowledged at ${write.consistency} with ${copies} copies`);
    if (isBlindDelete(write)) return;
    const asked = context ?? emptyContext;
    const grown = actorsOf(response).filter((actor) => highestCounter(response, actor) > highestCounter(asked, actor));
    const fresh = grown.map((actor) => dot(actor, highestCounter(response, actor)));
    const expected = fresh.reduce((all, each) => addDot(all, each), asked);
    const [own] = fresh;
    if (own === undefined || fresh.length > 1 || !equal(expected, response)) {
      return this.#report('context-widened', `write ${id} was answered with more than its own dot`);
    }
    this.#own(own, write, `write ${id}`);
  }

  #learnDots(values: readonly SeenValue[], where: string): void {
    for (const { dot: at, value, time, expiresAtMs } of values) {
      const put = this.#puts.get(value);
      if (put === undefined) continue;
      put.time ||= time ?? 0;
      put.expiresAtMs ??= expiresAtMs ?? 0;
      this.#own(at, put, where);
    }
  }

  #own(at: Dot, write: WriteRecord, where: string): void {
    const twin = this.#dots.learn(at, write);
    if (twin === undefined) return;
    const name = `${at.actor}#${at.counter}`;
    if (twin.write !== write)
      this.#report('dot-reused', `${where}: ${name} names write ${twin.write.id} and write ${write.id}`);
    else if (write.tokened !== true)
      this.#report('written-twice', `${where}: write ${write.id} has the dot ${name} beside an earlier one`);
  }

  /** Every value was written, by a write that was not refused, and no value here replaced another one here. */
  #checkValues(read: ReadRecord): void {
    const { values, context } = read;
    // Each replica refuses the next sibling by what it holds itself: cut off from each other, each may hold all others.
    if (this.#lww && values.length > 1)
      this.#report('several-at-lww', `read ${read.id} returned ${values.length} values`);
    if (values.length > SIBLINGS_MAX * (this.#history.writes[0]?.replicas ?? 1))
      this.#report('too-many-siblings', `read ${read.id} returned ${values.length} values`);
    const again = values.find(({ value }, at) => values.findIndex((each) => each.value === value) < at)?.value;
    if (again !== undefined && this.#puts.get(again)?.tokened === true)
      this.#report('applied-twice', `read ${read.id} returned "${again}" twice`);
    for (const { value, dot: at, expiresAtMs = 0 } of values) {
      if (expiresAtMs !== 0 && expiresAtMs <= (read.wallMs ?? 0))
        this.#report('expired-shown', `read ${read.id} returned "${value}" after it had expired`);
      const put = this.#puts.get(value);
      if (put === undefined || put.startedAt >= read.endedAt) {
        this.#report('invented', `read ${read.id} returned "${value}", which nobody had written`);
        continue;
      }
      if (put.outcome === 'none')
        this.#report(
          'refused-but-written',
          `read ${read.id} returned "${value}" of write ${put.id}, which was refused`,
        );
      const by = this.#dots.of(at)?.replacements.find((each) => contains(context, each.dot))?.write;
      if (by !== undefined && values.some((other) => other.value === by.value))
        this.#report('ordered-siblings', `read ${read.id} returned "${value}" beside "${by.value}"`);
      else if (by !== undefined)
        this.#report('resurrected', `read ${read.id} returned "${value}" and knows write ${by.id}, which replaced it`);
    }
  }

  /** P11: the answer descends from what its client demanded, but for what all have forgotten since (P8). */
  #checkDemand({ id, atLeast, context, endedAt }: ReadRecord): void {
    if (atLeast === undefined || descends(context, atLeast)) return;
    for (const { dot: at, write } of this.#dots.entries) {
      if (!contains(atLeast, at) || contains(context, at) || this.#mayBeForgotten(write, endedAt)) continue;
      this.#report('older-than-demanded', `read ${id} does not know of write ${write.id}, which its client has seen`);
    }
  }

  /** P4: a value that the context covers and the answer does not hold was overwritten by someone. */
  #checkMissing(ended: readonly ReadRecord[]): void {
    let base: CausalContext = emptyContext;
    let open: readonly DotEntry[] = this.#dots.entries.filter(({ write }) => write.kind === 'put');
    const all = open;
    for (const read of ended) {
      if (read.source === 'scan-absent') continue;
      const values = new Set(read.values.map(({ value }) => value));
      // What an earlier read explained needs no second look by one that knows at least as much.
      const further = descends(read.context, base);
      const settled = new Set<DotEntry>();
      for (const entry of further ? open : all) {
        const { write } = entry;
        if (!contains(read.context, entry.dot) || values.has(write.value)) continue;
        settled.add(entry);
        if (hasExpired(write, read)) continue;
        if (!this.#explained(entry, read))
          this.#report('context-unseen', `read ${read.id} covers write ${write.id} without returning its value`);
        if (isRepaired(read) && read.endedAt < entry.goneAt) {
          entry.goneAt = read.endedAt;
          entry.goneBy = read.id;
        }
      }
      if (!further || read.consistency === 'ONE') continue;
      base = read.context;
      if (settled.size > 0) open = open.filter((entry) => !settled.has(entry));
    }
  }

  /** Whether a write issued before the read ended, and known to the read, may have replaced the value of the entry. */
  #explained(entry: DotEntry, read: ReadRecord): boolean {
    const { endedAt, context } = read;
    if (entry.firstUnseenStart < endedAt || this.#wildDelete < endedAt) return true;
    // The write that replaced it may be forgotten (P8).
    if (this.#history.forgets && entry.firstStart < endedAt) return true;
    if (entry.replacements.some(({ dot: at, write }) => write.startedAt < endedAt && contains(context, at)))
      return true;
    if (this.#lww) return isOutlived(entry, read);
    // P12: what replaced a write has replaced it under each of its dots.
    const isReplaced = ({ firstUnseenStart, replacements }: DotEntry): boolean =>
      firstUnseenStart < endedAt || replacements.some(({ dot: at }) => contains(context, at));
    if (this.#dots.twinsOf(entry).some(isReplaced)) return true;
    return this.#history.writes.some((other) => {
      if (other === entry.write || other.startedAt >= endedAt || other.outcome === 'none') return false;
      const covers = coverOf(other);
      const dots = this.#dots.dotsOf(other);
      const known =
        other.response === undefined ||
        descends(context, other.response) ||
        (dots.length > 1 && dots.some((at) => contains(context, at)));
      return known && covers !== undefined && contains(covers, entry.dot);
    });
  }

  /** P7: the "not found" of a replica without its data is no answer, so what all replicas flushed is never absent. */
  #checkOne(read: ReadRecord): void {
    if (read.source !== 'get' || !isEmptyContext(read.context)) return;
    const held = this.#promised.find(
      (write) =>
        write.consistency === 'ALL' && write.endedAt < read.startedAt && !this.#mayBeForgotten(write, read.endedAt),
    );
    if (held) this.#report('absent-at-one', `read ${read.id} found nothing, though all replicas hold write ${held.id}`);
  }

  /** P10: nothing that a promised write replaced before the read began, or that was gone then, is in the answer. */
  #checkGhosts(read: ReadRecord): void {
    for (const { dot: at, value } of read.values) {
      const entry = this.#dots.of(at);
      if (entry === undefined) continue;
      if (isRepaired(read)) entry.shownAt = Math.min(entry.shownAt, read.endedAt);
      if (entry.promisedEnd < read.startedAt)
        this.#report('resurrected', `read ${read.id} returned "${value}", which a promised write had replaced`);
      // Who overwrites a write in doubt that only ONE has shown him may see it once more (CONSISTENCY.md).
      const again = this.#dots
        .twinsOf(entry)
        .some(
          ({ promisedEnd, shownAt }) =>
            promisedEnd < read.startedAt && (shownAt < promisedEnd || isPromised(entry.write)),
        );
      if (again && this.#isRemembered(entry.write, read.endedAt))
        this.#report('applied-twice', `read ${read.id} returned "${value}" again, which a promised write had replaced`);
      if (entry.goneAt < read.startedAt && !(this.#lww && this.#wildDelete < read.endedAt))
        this.#report('went-back', `read ${read.id} returned "${value}", which was gone for read ${entry.goneBy}`);
    }
  }

  /** P12: a record remembers its last writes with tokens; what is sent again, or arrives again, after those is a new write. */
  #isRemembered(write: WriteRecord, by: number): boolean {
    if (write.tokened !== true) return false;
    const later = this.#history.writes.filter(
      (each) => each.tokened === true && each.outcome !== 'none' && each !== write && each.startedAt < by,
    );
    return later.filter(({ endedAt }) => endedAt >= write.startedAt).length < TOKENED_WRITES_MAX;
  }

  /** P19: a key that no page of a whole scan showed has no value that nobody had begun to replace. */
  #checkAbsent(scan: ReadRecord): void {
    if (scan.consistency === 'ONE' || this.#wildDelete < scan.endedAt) return;
    for (const { write, firstStart, shownAt } of this.#dots.entries) {
      if (write.kind !== 'put' || firstStart < scan.endedAt || hasExpired(write, scan)) continue;
      if (isPromised(write) && write.endedAt < scan.startedAt)
        this.#report('lost', `scan ${scan.id} leaves out write ${write.id} ("${write.value}")`);
      else if (shownAt < scan.startedAt)
        this.#report('went-back', `scan ${scan.id} leaves out "${write.value}", which a read before it returned`);
    }
  }

  /**
   * P10: every quorum read, and every delete of what a quorum sees (P5), knows of each write that was promised before it
   * began, and of all that a repaired read knew that ended before.
   */
  #checkFloor(): void {
    const { writes, reads } = this.#history;
    const promises = this.#promised.map((write) => ({
      endedAt: write.endedAt,
      context: write.response!,
      source: write,
    }));
    const repaired: Requirement<WriteRecord | ReadRecord>[] = reads
      .filter(isRepaired)
      .map((read) => ({ endedAt: read.endedAt, context: read.context, source: read }));
    const demands: Demand<WriteRecord | ReadRecord>[] = [];
    for (const read of reads) {
      if (read.consistency === 'ONE' || read.source === 'scan-absent') continue;
      demands.push({ startedAt: read.startedAt, context: read.context, source: read });
    }
    for (const write of writes) {
      const { response, startedAt } = write;
      if (response !== undefined && isBlindDelete(write)) demands.push({ startedAt, context: response, source: write });
    }
    checkFloor([...promises, ...repaired], demands, ({ source: earlier }, { source: later, context }) => {
      if (this.#isForgotten(earlier, later.endedAt, context)) return;
      if ('kind' in later) this.#report('delete-incomplete', `write ${later.id} did not know of ${named(earlier)}`);
      else
        this.#report(
          'kind' in earlier ? 'lost' : 'went-back',
          `read ${later.id} at ${later.consistency} does not know of ${named(earlier)}`,
        );
    });
  }

  /** Whether all that a write or a read knew may be forgotten by then, beside what `context` covers (P8). */
  #isForgotten(earlier: WriteRecord | ReadRecord, by: number, context: CausalContext): boolean {
    if (!this.#history.forgets) return false;
    if ('kind' in earlier) return this.#mayBeForgotten(earlier, by);
    return earlier.values.every(({ dot: at, value }) => {
      const put = this.#puts.get(value);
      return contains(context, at) || put === undefined || this.#mayBeForgotten(put, by);
    });
  }

  /** P8: of a write that all replicas have forgotten nothing is known: it was a delete, or its value was replaced. */
  #mayBeForgotten(write: WriteRecord, by: number): boolean {
    if (!this.#history.forgets) return false;
    if (write.kind === 'delete' || this.#wildDelete < by || expires(write)) return true;
    const entry = this.#dots.ofWrite(write);
    return entry !== undefined && entry.firstStart < by;
  }

  /** In the end the replicas agree, and know of every acknowledged write that no fault of the run could take. */
  #checkFinals(): void {
    const { finals, writes, kept } = this.#history;
    const [first, ...others] = finals;
    if (first === undefined) return;
    const names = (values: readonly SeenValue[]): string => JSON.stringify(values.map(({ value }) => value).sort());
    for (const other of others) {
      if (
        !(this.#history.forgets || equal(first.context, other.context)) ||
        names(first.values) !== names(other.values)
      )
        this.#report('diverged', `${other.node} and ${first.node} do not agree in the end`);
    }
    const survives = ({ durability }: WriteRecord): boolean =>
      kept === 'accepted' || (kept === 'flushed' && durability === 'DEVICE');
    for (const write of writes) {
      if (write.response === undefined || !(isPromised(write) || survives(write))) continue;
      for (const { node, context } of finals) {
        if (!descends(context, write.response) && !this.#mayBeForgotten(write, Number.POSITIVE_INFINITY))
          this.#report('lost', `${node} does not know of ${named(write)} in the end`);
      }
    }
  }
}

/** Writes of which a quorum holds a flushed copy, as the answer said. */
function isPromised({ outcome, consistency, durability, response, hinted = 0 }: WriteRecord): boolean {
  // What hints made up for is not promised (P10).
  return (
    outcome === 'done' && response !== undefined && consistency !== 'ONE' && durability === 'DEVICE' && hinted === 0
  );
}

/** Reads that were repaired before they were answered: none after them goes back (P10). */
function isRepaired({ consistency, source }: ReadRecord): boolean {
  return consistency !== 'ONE' && source === 'get';
}

function expires({ ttlMs = 0 }: WriteRecord): boolean {
  return ttlMs > 0;
}

/** P16: by the clock of the node that answered, or by most clocks. Of a value that nobody ever saw nobody can tell. */
function hasExpired(write: WriteRecord, { wallMs = 0, mostWallMs = 0 }: ReadRecord): boolean {
  return expires(write) && (write.expiresAtMs ?? 0) <= Math.max(wallMs, mostWallMs);
}

/** P6: where the last write wins, what is hidden or replaced without its writer's knowledge is older than what is shown. */
function isOutlived({ write }: DotEntry, read: ReadRecord): boolean {
  const { time = 0 } = write;
  return read.values.some((shown) => shown.time !== undefined && shown.time >= time);
}

function isBlindDelete({ kind, context }: WriteRecord): boolean {
  return kind === 'delete' && context === undefined;
}

function named(record: WriteRecord | ReadRecord): string {
  return 'kind' in record ? `write ${record.id} ("${record.value}")` : `read ${record.id}, which ended before`;
}

function equal(a: CausalContext, b: CausalContext): boolean {
  return descends(a, b) && descends(b, a);
}
