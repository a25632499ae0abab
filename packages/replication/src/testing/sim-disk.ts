import { StoreError } from '@ferrite/errors';
import { keyHash, partitionOf } from '@ferrite/hashing';
import { compareBytes, latin1 } from '../core/bytes.ts';
import type { DamageReport, StorePage } from '../core/event.ts';
import type { Outcome } from '../core/message.ts';
import type { StoreReport } from '../core/replica-core.ts';
import type { Prng } from './prng.ts';
import type { Scenario } from './scenario.ts';
import type { Timeline } from './timeline.ts';

interface Stored {
  readonly id: string;
  readonly keyspaceId: number;
  readonly key: Uint8Array;
  readonly hash: bigint;
  /** Absent: the key was removed. */
  readonly value: Uint8Array | undefined;
  /** The bytes on the medium have changed since. */
  rotten: boolean;
}

type Present = Stored & { readonly value: Uint8Array };

interface Unflushed {
  readonly record: Stored;
  readonly flushed: () => void;
}

/** A disk as it was when nobody had it open. */
export interface DiskImage {
  readonly records: ReadonlyMap<string, Stored>;
  readonly clean: boolean;
}

/**
 * A node's engine and medium: an append is accepted at once and flushed later, in log order. What a crash, a wipe or a
 * roll-back leaves is what the next open finds and reports.
 */
export class SimDisk {
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #config: Scenario['disk'];
  readonly #partitionBits: number;
  #durable = new Map<string, Stored>();
  /** What a reader sees: the durable records and the accepted ones. */
  #visible = new Map<string, Stored>();
  #unflushed: Unflushed[] = [];
  /** What the last flushed group replaced. */
  #lastGroup = new Map<string, Stored | undefined>();
  #created = true;
  #clean = false;
  #ambiguous = false;
  /** Hears of damage that a read, a page or the scrub meets, while the disk is open. */
  onDamage: (report: DamageReport) => void = () => {};
  /** Counts opens and crashes, so that what was under way in an earlier life does not reach a later one. */
  #life = 0;

  constructor(timeline: Timeline, prng: Prng, config: Scenario['disk'], partitionBits: number) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.#config = config;
    this.#partitionBits = partitionBits;
  }

  open(): StoreReport {
    const report: StoreReport = {
      created: this.#created,
      clean: this.#clean,
      tail: this.#ambiguous ? 'ambiguous' : 'sealed',
      damaged: [],
    };
    this.#created = false;
    this.#clean = false;
    this.#ambiguous = false;
    this.#scrubLater();
    return report;
  }

  /** Stores a value, or removes the key: why that is refused, if it is; otherwise `flushed` is called in time. */
  append(
    keyspaceId: number,
    key: Uint8Array,
    value: Uint8Array | undefined,
    flushed: () => void,
  ): StoreError | undefined {
    if (keyspaceId !== 0 && this.#prng.chance(this.#config.overloaded)) return new StoreError('OVERLOADED');
    const id = recordId(keyspaceId, key);
    const record = { id, keyspaceId, key, hash: keyHash(key), value, rotten: false };
    this.#visible.set(id, record);
    this.#unflushed.push({ record, flushed });
    if (this.#unflushed.length === 1) this.#flushLater();
    return undefined;
  }

  /** Removes all that is visible of a partition of a keyspace. */
  dropPartition(keyspaceId: number, partition: number, flushed: () => void): void {
    const records = this.#recordsOf(keyspaceId, partition);
    let left = records.length;
    if (left === 0) return this.#answer(this.#delay(this.#config.flushMs), flushed);
    for (const { id, key, hash } of records) {
      const record = { id, keyspaceId, key, hash, value: undefined, rotten: false };
      this.#visible.set(id, record);
      this.#unflushed.push({ record, flushed: () => (--left === 0 ? flushed() : undefined) });
      if (this.#unflushed.length === 1) this.#flushLater();
    }
  }

  /** What is visible now; `then` hears of it after the time the medium takes. */
  read(keyspaceId: number, key: Uint8Array, then: (outcome: Outcome<Uint8Array | undefined>) => void): void {
    const found = this.#visible.get(recordId(keyspaceId, key));
    let outcome: Outcome<Uint8Array | undefined> = { ok: true, value: found?.value };
    if (found?.rotten === true) this.#report(found);
    if (found?.rotten === true) outcome = { ok: false, error: new StoreError('CHECKSUM_MISMATCH') };
    else if (this.#prng.chance(this.#config.overloaded)) outcome = { ok: false, error: new StoreError('OVERLOADED') };
    this.#answer(this.#delay(this.#config.readMs), () => then(outcome));
  }

  /** What lies under a key now, without a delay: for the open, and for the end of a run. */
  peek(keyspaceId: number, key: Uint8Array): Uint8Array | undefined {
    return this.#visible.get(recordId(keyspaceId, key))?.value;
  }

  /** All that is visible now of a partition of a keyspace. */
  records(keyspaceId: number, partition: number): readonly { readonly key: Uint8Array; readonly value: Uint8Array }[] {
    return this.#recordsOf(keyspaceId, partition);
  }

  page(
    request: {
      readonly keyspaceId: number;
      readonly partition: number;
      readonly after: { readonly hash: bigint; readonly key: Uint8Array } | undefined;
      readonly maxRecords: number;
    },
    then: (outcome: Outcome<StorePage>) => void,
  ): void {
    const { keyspaceId, partition, after } = request;
    const records = this.#recordsOf(keyspaceId, partition)
      .filter((each) => after === undefined || comparePlaces(each, after) > 0)
      .sort(comparePlaces);
    const limit = Math.min(request.maxRecords, this.#config.pageRecords);
    const page = records.slice(0, limit);
    const last = page.at(-1);
    const next = records.length > limit && last !== undefined ? { hash: last.hash, key: last.key } : undefined;
    for (const each of page) if (each.rotten) this.#report(each);
    const readable = page.filter(({ rotten }) => !rotten).map(({ key, value }) => ({ key, value }));
    const value: StorePage = { records: readable, damaged: page.length - readable.length, next };
    const outcome: Outcome<StorePage> = { ok: true, value };
    this.#answer(this.#delay(this.#config.readMs), () => then(outcome));
  }

  /**
   * The process is gone: of what was not flushed a prefix is left, or any part, as the seed says. If the tail is `torn`,
   * the last flushed group cannot be read either: between torn and corrupt nobody can tell (P17).
   */
  crash(torn = false): void {
    this.#life++;
    this.#ambiguous ||= torn || this.#unflushed.length > 0;
    if (torn) {
      for (const [id, before] of this.#lastGroup) {
        if (before === undefined) this.#durable.delete(id);
        else this.#durable.set(id, before);
      }
      return this.#atRest();
    }
    const { subsetLoss } = this.#config;
    const prefix = this.#prng.int(this.#unflushed.length + 1);
    const kept = this.#unflushed.filter((_, at) => (subsetLoss ? this.#prng.chance(0.5) : at < prefix));
    for (const { record } of kept) this.#durable.set(record.id, record);
    this.#atRest();
  }

  /** A clean close: everything is flushed first. */
  close(): void {
    this.#life++;
    for (const { record } of this.#unflushed) this.#durable.set(record.id, record);
    this.#atRest();
    this.#clean = true;
  }

  wipe(): void {
    this.#durable = new Map();
    this.#created = true;
    this.#clean = false;
    this.#ambiguous = false;
    this.#atRest();
  }

  image(): DiskImage {
    return { records: new Map(this.#durable), clean: this.#clean };
  }

  restore(image: DiskImage): void {
    this.#durable = new Map(image.records);
    this.#clean = image.clean;
    this.#ambiguous = false;
    this.#atRest();
  }

  /** One flushed record of a client's keyspace, other than `except`, becomes unreadable: its name, if there is one. */
  rot(except?: string): string | undefined {
    const candidates = [...this.#durable.values()].filter(
      ({ keyspaceId, value, id }) => keyspaceId !== 0 && value !== undefined && id !== except,
    );
    if (candidates.length === 0) return undefined;
    const victim = this.#prng.pick(candidates);
    victim.rotten = true;
    return victim.id;
  }

  /** A record is unreadable, known or not. */
  get rotten(): boolean {
    for (const { rotten } of this.#durable.values()) if (rotten) return true;
    return false;
  }

  /** All records of clients' keyspaces that are visible now. */
  all(): readonly Present[] {
    return [...this.#visible.values()].filter(
      (each): each is Present => each.value !== undefined && each.keyspaceId !== 0,
    );
  }

  #recordsOf(keyspaceId: number, partition: number): readonly Present[] {
    return [...this.#visible.values()].filter(
      (each): each is Present =>
        each.value !== undefined &&
        each.keyspaceId === keyspaceId &&
        partitionOf(each.hash, this.#partitionBits) === partition,
    );
  }

  /** Names the damage a little later, as the engine does. */
  #report({ keyspaceId, key }: Stored): void {
    this.#answer(this.#delay(this.#config.readMs), () => this.onDamage({ keyspace: keyspaceId, key }));
  }

  #scrubLater(): void {
    this.#answer(this.#config.scrubMs, () => {
      for (const each of this.#visible.values()) if (each.rotten) this.#report(each);
      this.#scrubLater();
    });
  }

  #atRest(): void {
    this.#unflushed = [];
    this.#lastGroup = new Map();
    this.#visible = new Map(this.#durable);
  }

  #flushLater(): void {
    this.#answer(this.#delay(this.#config.flushMs), () => {
      const count = 1 + this.#prng.int(this.#unflushed.length);
      const group = this.#unflushed.splice(0, count);
      this.#lastGroup = new Map();
      for (const { record } of group) {
        if (!this.#lastGroup.has(record.id)) this.#lastGroup.set(record.id, this.#durable.get(record.id));
        this.#durable.set(record.id, record);
      }
      if (this.#unflushed.length > 0) this.#flushLater();
      const life = this.#life;
      for (const { flushed } of group) if (life === this.#life) flushed();
    });
  }

  #delay(meanMs: number): number {
    const { slow } = this.#config;
    return meanMs * this.#prng.between(0.1, 1.9) * (this.#prng.chance(slow) ? 10 : 1);
  }

  #answer(delayMs: number, run: () => void): void {
    const life = this.#life;
    this.#timeline.after(delayMs, () => {
      if (life === this.#life) run();
    });
  }
}

function recordId(keyspaceId: number, key: Uint8Array): string {
  return `${keyspaceId}/${latin1(key)}`;
}

function comparePlaces(
  a: { readonly hash: bigint; readonly key: Uint8Array },
  b: { readonly hash: bigint; readonly key: Uint8Array },
): number {
  if (a.hash !== b.hash) return a.hash < b.hash ? -1 : 1;
  return compareBytes(a.key, b.key);
}
