/** What became of a write: `unknown` may take effect at any time; `none` was refused for sure. */
export type WriteFate = 'done' | 'none' | 'unknown';

interface LedgerWrite {
  readonly kind: 'put' | 'delete';
  fate: WriteFate | 'running';
}

/** What a read must not fall behind: as it was when the read began. */
export interface ReadStart {
  /** Number of the newest write that was acknowledged, or seen by a read that ended; -1 for none. */
  readonly floor: number;
}

/** What a read was worth. */
export interface Judgement {
  /** Promises that it breaks. */
  readonly wrong: readonly string[];
  /**
   * It shows an acknowledged write beside the one that replaced it: an attempt in doubt has come late, which the client had
   * repeated since (packages/client/README.md). Nothing is lost; the next write replaces both.
   */
  readonly late: boolean;
}

/**
 * Every write of one key, numbered from 0, and what reads at QUORUM may say of it. The key has one writer, which begins a
 * write when its last one has ended, with the context of what it read: so a write replaces all before it, except those in
 * doubt, which may come to be beside any later one.
 */
export class KeyLedger {
  readonly #writes: LedgerWrite[] = [];
  #floor = -1;

  /** Begins a write and gives its number. */
  begin(kind: 'put' | 'delete'): number {
    return this.#writes.push({ kind, fate: 'running' }) - 1;
  }

  end(number: number, fate: WriteFate): void {
    const write = this.#writes[number];
    if (write === undefined) throw new RangeError(`there is no write ${number}`);
    write.fate = fate;
    if (fate === 'done') this.#floor = Math.max(this.#floor, number);
  }

  beginRead(): ReadStart {
    return { floor: this.#floor };
  }

  /** Judges an answer that holds the values of these writes. */
  endRead({ floor }: ReadStart, numbers: readonly number[]): Judgement {
    const wrong: string[] = [];
    const newest = Math.max(-1, ...numbers);
    let late = false;
    for (const number of numbers) {
      const write = this.#writes[number];
      if (write === undefined || write.kind === 'delete')
        wrong.push(`the value of write ${number}, which nobody wrote`);
      else if (write.fate === 'none') wrong.push(`the value of write ${number}, which was refused`);
      else if (number >= floor || write.fate === 'unknown') continue;
      else if (newest >= floor) late = true;
      else wrong.push(`the value of write ${number}, which write ${floor} replaced`);
    }
    const removed = this.#writes.some(
      ({ kind, fate }, number) => number >= floor && kind === 'delete' && fate !== 'none',
    );
    if (newest < floor && !removed)
      wrong.push(`nothing as new as write ${floor}, which was acknowledged or seen before`);
    this.#floor = Math.max(this.#floor, newest);
    return { wrong, late };
  }

  /** True if no write of the key is in doubt: then a read has one value at most. */
  get certain(): boolean {
    return this.#writes.every(({ fate }) => fate === 'done' || fate === 'none');
  }
}
