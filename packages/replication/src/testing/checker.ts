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
} from '@ferrite/vector-clock';
import type { History, ReadRecord, Rule, SeenValue, Violation, WriteRecord } from './history.ts';

/**
 * Every promise of P4 and P10 that `history` breaks. It judges only by what clients sent and saw, and by what the replicas
 * hold in the end; nothing of the core's own bookkeeping is believed.
 */
export function checkHistory(history: History): readonly Violation[] {
  const violations: Violation[] = [];
  const keys = new Set(history.writes.map(({ key }) => key).concat(history.reads.map(({ key }) => key)));
  for (const key of keys) {
    const ofKey = <T extends { readonly key: string }>(all: readonly T[]): readonly T[] =>
      all.filter((each) => each.key === key);
    new KeyChecker(
      {
        forgets: history.forgets === true,
        writes: ofKey(history.writes),
        reads: ofKey(history.reads),
        finals: ofKey(history.finals),
      },
      (rule, what) => violations.push({ rule, what: `${key}: ${what}` }),
    ).check();
  }
  return violations;
}

/** As much of a read as tells what it may have known. */
type Reader = Pick<ReadRecord, 'source' | 'endedAt' | 'context'>;

class KeyChecker {
  readonly #history: History;
  readonly #report: (rule: Rule, what: string) => void;
  readonly #puts: ReadonlyMap<string, WriteRecord>;
  /** Whose dot it is, by the dot's name: as the answers to puts and the values in reads tell. */
  readonly #owners = new Map<string, { readonly dot: Dot; readonly write: WriteRecord }>();

  constructor(history: History, report: (rule: Rule, what: string) => void) {
    this.#history = history;
    this.#report = report;
    this.#puts = new Map(history.writes.filter(({ kind }) => kind === 'put').map((put) => [put.value, put]));
  }

  check(): void {
    const { writes, reads, finals } = this.#history;
    for (const write of writes) {
      this.#checkAnswer(write);
      this.#checkDelete(write);
    }
    for (const read of reads) this.#learnDots(read.values, `read ${read.id}`);
    for (const final of finals) this.#learnDots(final.values, final.node);
    for (const read of reads) {
      this.#checkValues(read);
      this.#checkMissing(read);
      if (read.consistency === 'ONE') this.#checkOne(read);
      else this.#checkQuorum(read);
    }
    this.#checkOrder(reads.filter(({ consistency, source }) => consistency !== 'ONE' && source === 'get'));
    this.#checkFinals();
  }

  /** P4: the answer to a write is the context of the request and one dot that is new. */
  #checkAnswer(write: WriteRecord): void {
    const { response, kind, context, id } = write;
    if (response === undefined || (kind === 'delete' && context === undefined)) return;
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

  /** P5: a delete without a context deletes all that a quorum saw, so all that was promised before it began. */
  #checkDelete({ kind, context, response, startedAt, endedAt, id }: WriteRecord): void {
    if (kind !== 'delete' || context !== undefined || response === undefined) return;
    for (const write of this.#history.writes) {
      if (!isPromised(write) || write.response === undefined || write.endedAt >= startedAt) continue;
      const forgotten = this.#mayBeForgotten(write, { source: 'get', endedAt, context: response });
      if (!descends(response, write.response) && !forgotten)
        this.#report('delete-incomplete', `write ${id} left write ${write.id}`);
    }
  }

  #learnDots(values: readonly SeenValue[], where: string): void {
    for (const { dot: at, value } of values) {
      const put = this.#puts.get(value);
      if (put !== undefined) this.#own(at, put, where);
    }
  }

  #own(at: Dot, write: WriteRecord, where: string): void {
    const name = `${at.actor}#${at.counter}`;
    const owner = this.#owners.get(name);
    if (owner === undefined) this.#owners.set(name, { dot: at, write });
    else if (owner.write !== write) {
      this.#report('dot-reused', `${where}: ${name} names write ${owner.write.id} and write ${write.id}`);
    }
  }

  #checkValues(read: ReadRecord): void {
    for (const { value } of read.values) {
      const put = this.#puts.get(value);
      if (put === undefined || put.startedAt >= read.endedAt) {
        this.#report('invented', `read ${read.id} returned "${value}", which nobody had written`);
      } else if (put.outcome === 'none') {
        this.#report(
          'refused-but-written',
          `read ${read.id} returned "${value}" of write ${put.id}, which was refused`,
        );
      }
    }
    for (const { value } of read.values) {
      const context = this.#puts.get(value)?.context;
      const older = context && read.values.find((each) => each.value !== value && contains(context, each.dot));
      if (older) this.#report('ordered-siblings', `read ${read.id} returned "${older.value}" beside "${value}"`);
    }
  }

  /** P4: a value that the context covers and the answer does not hold was overwritten by someone. */
  #checkMissing(read: ReadRecord): void {
    for (const { dot: at, write } of this.#owners.values()) {
      if (write.kind !== 'put' || !contains(read.context, at)) continue;
      if (read.values.some(({ value }) => value === write.value) || this.#overwritten(at, write, read)) continue;
      this.#report('context-unseen', `read ${read.id} covers write ${write.id} without returning its value`);
    }
  }

  /** P7: the "not found" of a replica without its data is no answer, so what all replicas flushed is never absent. */
  #checkOne(read: ReadRecord): void {
    if (read.source !== 'get' || !isEmptyContext(read.context)) return;
    const held = this.#history.writes.find(
      (write) => write.consistency === 'ALL' && isPromised(write) && write.endedAt < read.startedAt,
    );
    if (held) this.#report('absent-at-one', `read ${read.id} found nothing, though all replicas hold write ${held.id}`);
  }

  /** P10: every write acknowledged by a write quorum before the read began is in it, and nothing that it replaced is. */
  #checkQuorum(read: ReadRecord): void {
    for (const write of this.#history.writes) {
      const { response } = write;
      if (!isPromised(write) || response === undefined || write.endedAt >= read.startedAt) continue;
      if (read.source === 'scan-absent') {
        const own = [...this.#owners.values()].find((owner) => owner.write === write);
        if (write.kind === 'put' && own !== undefined && !this.#overwritten(own.dot, write, read))
          this.#report('lost', `scan ${read.id} leaves out write ${write.id} ("${write.value}")`);
        continue;
      }
      if (!descends(read.context, response) && !this.#mayBeForgotten(write, read))
        this.#report(
          'lost',
          `read ${read.id} at ${read.consistency} does not know of write ${write.id} ("${write.value}")`,
        );
      const ghost = read.values.find((each) => each.value !== write.value && contains(response, each.dot));
      if (ghost)
        this.#report('resurrected', `read ${read.id} returned "${ghost.value}", replaced by write ${write.id}`);
    }
  }

  /** P10: with the repair before the answer, no later read goes back. */
  #checkOrder(reads: readonly ReadRecord[]): void {
    for (const earlier of reads) {
      for (const later of reads) {
        if (later.startedAt <= earlier.endedAt) continue;
        const back = later.values.some(
          ({ dot: at, value }) => contains(earlier.context, at) && !earlier.values.some((seen) => seen.value === value),
        );
        const forgotten = (): boolean =>
          earlier.values.every(({ dot: at, value }) => {
            const put = this.#puts.get(value);
            return (
              later.values.some((seen) => seen.value === value) ||
              (put !== undefined && this.#overwritten(at, put, later))
            );
          });
        if (back || !(descends(later.context, earlier.context) || (this.#history.forgets && forgotten())))
          this.#report('went-back', `read ${later.id} is older than read ${earlier.id}, which ended before it began`);
      }
    }
  }

  #checkFinals(): void {
    const [first, ...others] = this.#history.finals;
    if (first === undefined) return;
    const names = (values: readonly SeenValue[]): string => JSON.stringify(values.map(({ value }) => value).sort());
    for (const other of others) {
      const known = this.#history.forgets === true || equal(first.context, other.context);
      if (!known || names(first.values) !== names(other.values))
        this.#report('diverged', `${other.node} and ${first.node} do not agree in the end`);
    }
  }

  /** P8: of a write that all replicas have forgotten a read knows nothing: it was a delete, or its value was replaced. */
  #mayBeForgotten(write: WriteRecord, read: Reader): boolean {
    if (this.#history.forgets !== true) return false;
    if (write.kind === 'delete') return true;
    const own = [...this.#owners.values()].find((owner) => owner.write === write);
    return own !== undefined && this.#overwritten(own.dot, write, read);
  }

  /** Whether a write issued before the read ended, and known to the read, may have replaced the value with this dot. */
  #overwritten(at: Dot, write: WriteRecord, read: Reader): boolean {
    return this.#history.writes.some((other) => {
      if (other === write || other.startedAt >= read.endedAt || other.outcome === 'none') return false;
      const { response, context } = other;
      const known = read.source === 'scan-absent' || this.#history.forgets === true;
      if (response !== undefined && !known && !descends(read.context, response)) return false;
      if (context !== undefined) return contains(context, at);
      if (other.kind === 'put') return false;
      // A delete of what a quorum saw: its answer tells what that was; without one, anything written before it ended.
      return response === undefined ? write.startedAt < other.endedAt : contains(response, at);
    });
  }
}

/** Writes of which a quorum holds a flushed copy, as the answer said. */
function isPromised({ outcome, consistency, durability }: WriteRecord): boolean {
  return outcome === 'done' && consistency !== 'ONE' && durability === 'DEVICE';
}

function equal(a: CausalContext, b: CausalContext): boolean {
  return descends(a, b) && descends(b, a);
}
