import { StoreError } from '@ferrite/errors';
import { keyHash, partitionOf } from '@ferrite/hashing';
import type { DamageReport, StorePage } from '../core/event.ts';
import { SYSTEM_KEYSPACE } from '../core/limits.ts';
import type { Outcome } from '../core/message.ts';
import type { StoreReport } from '../core/replica-core.ts';
import type { Prng } from './prng.ts';
import type { Scenario } from './scenario.ts';
import { comparePlaces, type Present, recordId, type Stored } from './sim-record.ts';
import { Slowness } from './slowness.ts';
import type { Timeline } from './timeline.ts';

interface Unflushed {
  readonly record: Stored;
  readonly settled: (failed: StoreError | undefined) => void;
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
  /** What the next open finds damaged and leaves out; an absent partition means that it cannot tell whose. */
  #damaged: { readonly partition?: number }[] = [];
  /** Hears of damage that a read, a page or the scrub meets, while the disk is open. */
  onDamage: (report: DamageReport) => void = () => {};
  #failing = false;
  readonly #slowness = new Slowness();
  #overloaded: number;
  /** How many faults keep the device full. */
  full = 0;
  /** So many of the next reads find a block that is not the one asked for; and so many have, and have not told it yet. */
  #misreadsAhead = 0;
  #misreadsUntold = 0;
  /** Counts opens and crashes, so that what was under way in an earlier life does not reach a later one. */
  #life = 0;

  constructor(timeline: Timeline, prng: Prng, config: Scenario['disk'], partitionBits: number) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.#config = config;
    this.#overloaded = config.overloaded;
    this.#partitionBits = partitionBits;
  }

  open(): StoreReport {
    const report: StoreReport = {
      created: this.#created,
      clean: this.#clean,
      tail: this.#ambiguous ? 'ambiguous' : 'sealed',
      damaged: this.#damaged,
    };
    this.#damaged = [];
    this.#created = false;
    this.#clean = false;
    this.#ambiguous = false;
    this.#scrubLater();
    return report;
  }

  /**
   * Stores a value, or removes the key: why that is refused, if it is; otherwise `settled` is called when it is flushed, or
   * the device has failed.
   */
  append(
    keyspaceId: number,
    key: Uint8Array,
    value: Uint8Array | undefined,
    settled: (failed: StoreError | undefined) => void,
  ): StoreError | undefined {
    const refused = this.#refusal();
    if (refused !== undefined) return refused;
    const hash = keyHash(key);
    const partition = partitionOf(hash, this.#partitionBits);
    this.#put({ id: recordId(keyspaceId, key), keyspaceId, key, hash, partition, value, rotten: false }, settled);
    return undefined;
  }

  /** Removes all that is visible of a partition of a keyspace; answers like {@link append}. */
  dropPartition(
    keyspaceId: number,
    partition: number,
    settled: (failed: StoreError | undefined) => void,
  ): StoreError | undefined {
    const refused = this.#refusal();
    if (refused !== undefined) return refused;
    const records = this.#recordsOf(keyspaceId, partition);
    let left = records.length;
    if (left === 0) this.#answer(this.#delay(this.#config.flushMs), () => settled(undefined));
    for (const record of records)
      this.#put({ ...record, value: undefined, rotten: false }, (failed) => {
        if (--left === 0) settled(failed);
      });
    return undefined;
  }

  #refusal(): StoreError | undefined {
    if (this.#failing) return new StoreError('DEVICE_FAILED');
    if (this.full > 0) return new StoreError('DEVICE_FULL');
    return this.#prng.chance(this.#overloaded) ? new StoreError('OVERLOADED') : undefined;
  }

  #put(record: Stored, settled: Unflushed['settled']): void {
    this.#visible.set(record.id, record);
    this.#unflushed.push({ record, settled });
    if (this.#unflushed.length === 1) this.#flushLater();
  }

  /** What is visible now; `then` hears of it after the time the medium takes. */
  read(keyspaceId: number, key: Uint8Array, then: (outcome: Outcome<Uint8Array | undefined>) => void): void {
    const found = this.#visible.get(recordId(keyspaceId, key));
    let outcome: Outcome<Uint8Array | undefined> = { ok: true, value: found?.value };
    const misread = found?.value !== undefined && !this.#failing && this.#misread();
    if (found !== undefined && (found.rotten || misread)) this.#report(found);
    if (this.#failing) outcome = { ok: false, error: new StoreError('DEVICE_FAILED') };
    else if (found?.rotten === true || misread) outcome = { ok: false, error: new StoreError('CHECKSUM_MISMATCH') };
    else if (this.#prng.chance(this.#overloaded)) outcome = { ok: false, error: new StoreError('OVERLOADED') };
    this.#answer(this.#delay(this.#config.readMs), () => {
      then(outcome);
      if (misread) this.#misreadsUntold--;
    });
  }

  /** What lies under a key at an open. */
  readAtOpen(keyspaceId: number, key: Uint8Array): Outcome<Uint8Array | undefined> {
    const found = this.#visible.get(recordId(keyspaceId, key));
    if (found?.rotten === true) return { ok: false, error: new StoreError('CHECKSUM_MISMATCH') };
    return { ok: true, value: found?.value };
  }

  /** What a crash now would leave under a key for sure. */
  flushed(keyspaceId: number, key: Uint8Array): Uint8Array | undefined {
    return this.#durable.get(recordId(keyspaceId, key))?.value;
  }

  /** What lies under a key at the end of a run. */
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
    const untold = this.#misreadsUntold;
    const readable: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
    for (const each of page) {
      if (each.rotten || this.#misread()) this.#report(each);
      else readable.push({ key: each.key, value: each.value });
    }
    const value: StorePage = { records: readable, damaged: page.length - readable.length, next };
    const misread = this.#misreadsUntold - untold;
    let outcome: Outcome<StorePage> = { ok: true, value };
    if (this.#failing) outcome = { ok: false, error: new StoreError('DEVICE_FAILED') };
    else if (this.#prng.chance(this.#overloaded)) outcome = { ok: false, error: new StoreError('OVERLOADED') };
    this.#answer(this.#delay(this.#config.readMs), () => {
      then(outcome);
      this.#misreadsUntold -= misread;
    });
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
    this.#damaged = [];
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
  rot(prng: Prng, except?: string): string | undefined {
    const candidates = this.#candidates().filter(({ id }) => id !== except);
    if (candidates.length === 0) return undefined;
    const victim = prng.pick(candidates);
    victim.rotten = true;
    return victim.id;
  }

  #candidates(): readonly Stored[] {
    return [...this.#durable.values()].filter(
      ({ keyspaceId, value }) => keyspaceId !== SYSTEM_KEYSPACE && value !== undefined,
    );
  }

  /** The next open will find one record damaged and not have it; it may be unable to say which partition that was of. */
  rotAtRest(prng: Prng): void {
    const candidates = this.#candidates();
    if (candidates.length === 0) return;
    const { id, partition } = prng.pick(candidates);
    this.#durable.delete(id);
    this.#damaged.push(prng.chance(0.5) ? { partition } : {});
    this.#atRest();
  }

  /** The node's own record becomes unreadable. */
  rotSystem(): void {
    for (const record of this.#durable.values()) if (record.keyspaceId === SYSTEM_KEYSPACE) record.rotten = true;
  }

  /** Nothing works any more until the next open. */
  fail(): void {
    this.#failing = true;
  }

  get failing(): boolean {
    return this.#failing;
  }

  /** A record is unreadable, known or not. */
  get rotten(): boolean {
    for (const { rotten } of this.#durable.values()) if (rotten) return true;
    return false;
  }

  /** From now on there is room in every queue. */
  calm(): void {
    this.#overloaded = 0;
  }

  /** Makes the device slower by a factor until the returned function is called. */
  slowDown(factor: number): () => void {
    return this.#slowness.slowDown(factor);
  }

  /** The next reads of `count` records find a block that is not the one asked for. */
  misread(count: number): void {
    this.#misreadsAhead += count;
  }

  /** A misread is still to come, or to be told. */
  get misreading(): boolean {
    return this.#misreadsAhead + this.#misreadsUntold > 0;
  }

  /** All records of clients' keyspaces that are visible now. */
  all(): readonly Present[] {
    return [...this.#visible.values()].filter(
      (each): each is Present => each.value !== undefined && each.keyspaceId !== SYSTEM_KEYSPACE,
    );
  }

  #recordsOf(keyspaceId: number, partition: number): readonly Present[] {
    return [...this.#visible.values()].filter(
      (each): each is Present =>
        each.value !== undefined && each.keyspaceId === keyspaceId && each.partition === partition,
    );
  }

  /** Names the damage a little later, as the engine does. */
  #report({ keyspaceId, key }: Stored): void {
    this.#answer(this.#delay(this.#config.readMs), () => this.onDamage({ keyspace: keyspaceId, key }));
  }

  #scrubLater(): void {
    this.#answer(this.#config.scrubMs, () => {
      for (const each of this.#visible.values()) if (each.rotten && !this.#failing) this.#report(each);
      this.#scrubLater();
    });
  }

  #misread(): boolean {
    if (this.#misreadsAhead === 0) return false;
    this.#misreadsAhead--;
    this.#misreadsUntold++;
    return true;
  }

  #atRest(): void {
    this.#failing = false;
    this.#misreadsAhead = 0;
    this.#misreadsUntold = 0;
    this.#unflushed = [];
    this.#lastGroup = new Map();
    this.#visible = new Map(this.#durable);
  }

  #flushLater(): void {
    this.#answer(this.#delay(this.#config.flushMs), () => {
      const failed = this.#failing ? new StoreError('DEVICE_FAILED') : undefined;
      const count = failed === undefined ? 1 + this.#prng.int(this.#unflushed.length) : this.#unflushed.length;
      const group = this.#unflushed.splice(0, count);
      if (failed === undefined) this.#flush(group);
      if (this.#unflushed.length > 0) this.#flushLater();
      const life = this.#life;
      for (const { settled } of group) if (life === this.#life) settled(failed);
    });
  }

  #flush(group: readonly Unflushed[]): void {
    this.#lastGroup = new Map();
    for (const { record } of group) {
      if (!this.#lastGroup.has(record.id)) this.#lastGroup.set(record.id, this.#durable.get(record.id));
      this.#durable.set(record.id, record);
    }
  }

  #delay(meanMs: number): number {
    const { slow } = this.#config;
    return meanMs * this.#slowness.factor * this.#prng.between(0.1, 1.9) * (this.#prng.chance(slow) ? 10 : 1);
  }

  #answer(delayMs: number, run: () => void): void {
    const life = this.#life;
    this.#timeline.after(delayMs, () => {
      if (life === this.#life) run();
    });
  }
}
