import type { Pressure } from './client-load.ts';
import type { Desk } from './desk.ts';
import { BUSY_PAGE_RECORDS, TRANSFER_PAGE_BYTES, TRANSFER_PAGE_RECORDS } from './limits.ts';

/** The kinds of background work, in the order in which they are served when several wait. */
export const WORK_KINDS = [
  'record-repair',
  'recovery',
  'hints',
  'anti-entropy',
  'forgetting',
  'expiry',
  'reclaim',
  'trees',
] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** What all background work of a node may take together. */
export interface BackgroundBudget {
  /** While clients leave room. */
  readonly bytesPerSecond: number;
  /** While clients have more in flight than `clientOpsMax`: slow, but never nothing, or repair would starve. */
  readonly bytesPerSecondBusy: number;
  /** Requests, pages and reads in flight at once. */
  readonly operationsMax: number;
  /** The same while clients are busy: enough that many small partitions do not take a round trip each. */
  readonly operationsMaxBusy: number;
  /**
   * Client operations in flight at any one node above which background work yields. Few: a page takes as long as many of
   * them, and whoever waits for its answer before it asks again shows up as one.
   */
  readonly clientOpsMax: number;
}

export const BACKGROUND_BUDGET: BackgroundBudget = {
  bytesPerSecond: 64 * 1024 * 1024,
  bytesPerSecondBusy: 1024 * 1024,
  operationsMax: 32,
  operationsMaxBusy: 4,
  clientOpsMax: 8,
};

/** How one kind of background work goes on. */
export interface WorkProgress {
  readonly kind: WorkKind;
  /** Operations waiting for room in the budget, and in flight. */
  readonly waiting: number;
  readonly inFlight: number;
  /** Since the process began. */
  readonly operations: number;
  readonly bytes: number;
  /** Of the last second in which there was work. */
  readonly bytesPerSecond: number;
  /** Why it does not go on as fast as it could; empty if it does, or has nothing to do. */
  readonly stalled: string;
}

/** Gives the room of one operation back; `bytes` is what it moved. Call it exactly once. */
export type Release = (bytes: number) => void;

/** Length of a tick in milliseconds, and what the bytes of one tick may add up to if nobody takes them. */
const TICK_MS = 50;
const TICKS_PER_SECOND: number = 1_000 / TICK_MS;

interface Kind {
  readonly waiting: ((release: Release) => void)[];
  inFlight: number;
  operations: number;
  bytes: number;
  /** Bytes of this second so far, and of the last. */
  second: number;
  rate: number;
}

/**
 * The one budget of all background work (recovery, repair, anti-entropy, hints, forgetting): so many bytes a second and
 * so many operations at once, far fewer while clients have much in flight. An operation starts while the allowance is
 * positive and pays when it ends, so that a large one delays the next. Time is counted in ticks of the core's own timer,
 * which runs only while there is work.
 */
export class Background {
  readonly #desk: Desk;
  readonly #budget: BackgroundBudget;
  readonly #pressure: () => Pressure;
  readonly #kinds: Readonly<Record<WorkKind, Kind>>;
  #allowance: number;
  #inFlight = 0;
  #ticking = false;
  #ticks = 0;

  /** `pressure` tells how many client operations are in flight where there are most. */
  constructor(desk: Desk, pressure: () => Pressure, budget: BackgroundBudget = BACKGROUND_BUDGET) {
    this.#desk = desk;
    this.#budget = budget;
    this.#pressure = pressure;
    this.#allowance = budget.bytesPerSecond / TICKS_PER_SECOND;
    const kind = (): Kind => ({ waiting: [], inFlight: 0, operations: 0, bytes: 0, second: 0, rate: 0 });
    this.#kinds = Object.fromEntries(WORK_KINDS.map((name) => [name, kind()])) as Record<WorkKind, Kind>;
  }

  /** Calls `work` as soon as the budget has room for one operation more, perhaps at once. Callers bound what they ask for. */
  run(kind: WorkKind, work: (release: Release) => void): void {
    this.#kinds[kind].waiting.push(work);
    this.#serve();
    this.#tickLater();
  }

  /** Pays for what was done for a peer's background work: that has its turn in the peer's budget, never in two at once. */
  charge(bytes: number): void {
    this.#allowance -= bytes;
    this.#tickLater();
  }

  /** True while clients have so much in flight that background work yields. */
  get yields(): boolean {
    return this.#pressure().ops > this.#budget.clientOpsMax;
  }

  /** How much to read or to ask for at once: less while clients wait behind it. */
  get page(): { readonly maxRecords: number; readonly maxBytes: number } {
    return { maxRecords: this.yields ? BUSY_PAGE_RECORDS : TRANSFER_PAGE_RECORDS, maxBytes: TRANSFER_PAGE_BYTES };
  }

  progress(): readonly WorkProgress[] {
    return WORK_KINDS.map((kind) => {
      const { waiting, inFlight, operations, bytes, rate } = this.#kinds[kind];
      const stalled = waiting.length === 0 ? '' : this.#stallReason();
      return { kind, waiting: waiting.length, inFlight, operations, bytes, bytesPerSecond: rate, stalled };
    });
  }

  #stallReason(): string {
    const { ops, peer } = this.#pressure();
    if (this.yields) return `yields to ${ops} client operations in flight${peer && ` at ${peer}`}`;
    if (this.#allowance <= 0) return `the budget of ${this.#budget.bytesPerSecond} bytes a second is used up`;
    return `${this.#inFlight} background operations are in flight`;
  }

  #serve(): void {
    const max = this.yields ? this.#budget.operationsMaxBusy : this.#budget.operationsMax;
    while (this.#inFlight < max && this.#allowance > 0) {
      const kind = WORK_KINDS.map((name) => this.#kinds[name]).find(({ waiting }) => waiting.length > 0);
      const work = kind?.waiting.shift();
      if (kind === undefined || work === undefined) return;
      this.#inFlight++;
      kind.inFlight++;
      work((bytes) => {
        this.#inFlight--;
        this.#allowance -= bytes;
        kind.inFlight--;
        kind.operations++;
        kind.bytes += bytes;
        kind.second += bytes;
        this.#serve();
      });
    }
  }

  #tickLater(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#desk.timer(TICK_MS, () => {
      this.#ticking = false;
      this.#tick();
    });
  }

  #tick(): void {
    const { bytesPerSecond, bytesPerSecondBusy } = this.#budget;
    const share = (this.yields ? bytesPerSecondBusy : bytesPerSecond) / TICKS_PER_SECOND;
    this.#allowance = Math.min(this.#allowance + share, share);
    this.#ticks++;
    const kinds = Object.values(this.#kinds);
    if (this.#ticks % TICKS_PER_SECOND === 0) {
      for (const kind of kinds) {
        kind.rate = kind.second;
        kind.second = 0;
      }
    }
    this.#serve();
    // A debt is worked off, and a rate runs out, also when nobody waits.
    const idle = kinds.every(({ waiting, inFlight, second, rate }) => waiting.length + inFlight + second + rate === 0);
    if (!idle || this.#allowance < share) this.#tickLater();
  }
}
