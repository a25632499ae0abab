import type { MutationName } from '../core/mutation.ts';
import type { Rule } from './history.ts';
import { runScenario, type SimResult } from './run-seed.ts';
import { FAULTS, type OpKind, type Scenario } from './scenario.ts';

/** A scenario that still breaks the same rule, and what it takes away from the first one. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly result: SimResult;
  /** Runs that it took. */
  readonly runs: number;
}

export interface ShrinkOptions {
  readonly mutations?: readonly MutationName[];
  /** So many runs at most (2,000). */
  readonly runsMax?: number;
  /** Asked before each run. */
  mayGoOn?(): boolean;
}

/** So many sets of delays are tried with each change. */
const SALTS = 3;
/** No pass over the scenario takes more rounds. */
const ROUNDS_MAX = 4;

/**
 * Looks for a smaller scenario in which the same seed breaks the same rule: less time, whole kinds of faults and requests
 * dropped, fewer nodes, clients and keys, then single faults, then single requests. Undefined if the scenario breaks none.
 */
export function shrink(seed: number, scenario: Scenario, options: ShrinkOptions = {}): Shrunk | undefined {
  const shrinker = new Shrinker(seed, scenario, options);
  return shrinker.shrink();
}

class Shrinker {
  readonly #seed: number;
  readonly #options: ShrinkOptions;
  readonly #rule: Rule | undefined;
  #best: Scenario;
  #result: SimResult;
  #runs = 1;

  constructor(seed: number, scenario: Scenario, options: ShrinkOptions) {
    this.#seed = seed;
    this.#options = options;
    this.#best = scenario;
    this.#result = runScenario(seed, scenario, options);
    this.#rule = this.#result.violations[0]?.rule;
  }

  shrink(): Shrunk | undefined {
    if (this.#rule === undefined) return undefined;
    // The same run, but with a length that can be changed.
    this.#try({ eventsMin: 0, loadMs: this.#result.loadMs });
    for (let round = 0; round < ROUNDS_MAX && this.#goesOn(); round++) {
      const before = this.#best;
      this.#shorten();
      this.#dropKinds();
      this.#simplify();
      if (this.#best === before) break;
    }
    this.#dropSingle(
      () => this.#result.injected,
      (without) => ({ skip: [...this.#best.skip, ...without] }),
    );
    // From here on requests come when they came, whatever became of the others.
    if (this.#try({ script: this.#result.issued }))
      this.#dropSingle(
        () => this.#best.script!,
        (without) => ({ script: this.#best.script!.filter((each) => !without.includes(each)) }),
      );
    this.#shorten();
    return { scenario: this.#best, result: this.#result, runs: this.#runs };
  }

  #goesOn(): boolean {
    return this.#runs < (this.#options.runsMax ?? 2_000) && this.#options.mayGoOn?.() !== false;
  }

  /** Keeps the change if the rule is broken still, perhaps with other delays. */
  #try(change: Partial<Scenario>): boolean {
    const { salt } = this.#best;
    for (let other = 0; other < SALTS && this.#goesOn(); other++) {
      const candidate = { ...this.#best, ...change, salt: salt + other };
      const result = runScenario(this.#seed, candidate, this.#options);
      this.#runs++;
      if (!result.violations.some(({ rule }) => rule === this.#rule)) continue;
      this.#best = candidate;
      this.#result = result;
      return true;
    }
    return false;
  }

  #shorten(): void {
    for (const share of [0.5, 0.75, 0.9]) while (this.#try({ loadMs: this.#best.loadMs * share }));
  }

  #dropKinds(): void {
    for (const fault of FAULTS)
      if (this.#best.faults[fault] > 0) this.#try({ faults: { ...this.#best.faults, [fault]: 0 } });
    const { ops } = this.#best;
    const kinds = Object.keys(ops) as OpKind[];
    for (const kind of kinds) {
      const without = { ...this.#best.ops, [kind]: 0 };
      if (this.#best.ops[kind] > 0 && kinds.some((each) => without[each] > 0)) this.#try({ ops: without });
    }
  }

  #simplify(): void {
    const { network, disk, consistency } = this.#best;
    if (network.loss > 0) this.#try({ network: { ...this.#best.network, loss: 0 } });
    if (network.duplication > 0) this.#try({ network: { ...this.#best.network, duplication: 0 } });
    if (network.late > 0) this.#try({ network: { ...this.#best.network, late: 0 } });
    if (disk.slow > 0) this.#try({ disk: { ...this.#best.disk, slow: 0 } });
    if (disk.overloaded > 0) this.#try({ disk: { ...this.#best.disk, overloaded: 0 } });
    if (this.#best.drift > 0) this.#try({ drift: 0 });
    if (this.#best.memory > 0) this.#try({ memory: 0 });
    if (consistency.QUORUM > 0 && consistency.ONE + consistency.ALL > 0)
      this.#try({ consistency: { ONE: 0, QUORUM: 1, ALL: 0 } });
    if (this.#best.hotShare > 0) this.#try({ hotShare: 0 });
    if (this.#best.valueBytes > 1) this.#try({ valueBytes: 1 });
    if (this.#best.partitionBits > 0) this.#try({ partitionBits: 0 });
    if (this.#best.nodes > 3) this.#try({ nodes: 3, replicationFactor: 3 });
    for (const name of ['keys', 'clients'] as const) {
      while (this.#best[name] > 1 && this.#try({ [name]: Math.floor(this.#best[name] / 2) }));
      while (this.#best[name] > 1 && this.#try({ [name]: this.#best[name] - 1 }));
    }
  }

  /** Leaves out single things, at first many together, then fewer (after Zeller's delta debugging). */
  #dropSingle<T>(items: () => readonly T[], change: (without: readonly T[]) => Partial<Scenario>): void {
    let size = Math.ceil(items().length / 2);
    while (size >= 1 && this.#goesOn()) {
      let dropped = false;
      for (let at = 0; at < items().length && this.#goesOn(); ) {
        if (this.#try(change(items().slice(at, at + size)))) dropped = true;
        else at += size;
      }
      if (size === 1 && !dropped) break;
      if (size > 1 || !dropped) size = Math.floor(size / 2);
    }
  }
}
