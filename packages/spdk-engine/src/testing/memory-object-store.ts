import { StoreError } from '@ferrite/errors';
import { checkBatch } from '../batch.ts';
import type { Engine } from '../engine.ts';
import { PARTITION_BITS_DEFAULT, VALUE_BYTES_MAX } from '../limits.ts';
import type {
  Appended,
  AppendedBatch,
  BatchWrite,
  PutRecord,
  ScanPage,
  ScanPageRequest,
  StoredRecord,
} from '../object-store.ts';
import type { OpenReport } from '../open-report.ts';
import { checkKey, checkPartition, checkRecord, checkScan } from '../record-check.ts';
import { scanByPages } from '../scan.ts';
import type { EngineStats } from '../stats.ts';
import { SortedRecords } from './sorted-records.ts';
import { partitionOf, xxh64 } from './xxh64.ts';

/** How a {@link MemoryObjectStore} behaves. */
export interface MemoryObjectStoreOptions {
  /** Room for keys and values (default 64 MiB); beyond it appends get `DEVICE_FULL`. */
  readonly sizeBytes?: number;
  readonly valueBytesMax?: number;
  /** As `report.batchBytesMax` (default 1 MiB). */
  readonly batchBytesMax?: number;
  readonly partitionBits?: number;
  /**
   * `turn` (default): what was appended in one turn of the event loop is flushed as one group at its end. `asked`:
   * only `flush()` and `close()` make anything durable, so that a simulator decides when the disk answers.
   */
  readonly flushes?: 'turn' | 'asked';
}

/**
 * The engine without a device, in plain TypeScript: same contract, same conformance suite, and faults on demand. It takes
 * no time, so it has no latencies; nor does it take snapshots, or scrub a medium that cannot be damaged.
 */
export interface MemoryObjectStore extends Omit<Engine, 'calls' | 'latency' | 'snapshot' | 'scrub' | 'damage'> {
  /**
   * Cuts the power: of the appends not yet durable a prefix chosen by `seed` survives, the rest is gone, and their
   * promises never settle. This store is dead afterwards; the returned one is the same image opened again.
   */
  crash(seed: number): MemoryObjectStore;
  /** Opens the image again after `close`. */
  reopen(): MemoryObjectStore;
  /** The device fails: what was not durable rejects with `DEVICE_FAILED` and nothing is accepted any more. */
  failDevice(): void;
}

/** A new, empty store in memory. */
export function memoryObjectStore(options: MemoryObjectStoreOptions = {}): MemoryObjectStore {
  return new MemoryStore(options, emptyImage(), { created: true, clean: true, tail: 'sealed' });
}

const NO_BYTES = new Uint8Array();

/** What a device would have counted. */
const NO_DEVICE = {
  segmentsTotal: 0,
  segmentsFree: 0,
  seals: 0,
  writtenBytes: 0,
  readBytes: 0,
  deviceReads: 0,
  indexBytes: 0,
  checksumFailures: 0,
  refusedOverloaded: 0,
  userBytes: 0,
  movedBytes: 0,
  expired: 0,
  checkpointBytes: 0,
  checkpoints: 0,
  preparedBytes: 0,
};

interface KeyEntry {
  readonly sequence: number;
  readonly keyspace: number;
  readonly hash: bigint;
  readonly key: Uint8Array;
  /** Absent: a remove. */
  readonly record: StoredRecord | undefined;
}

interface DropEntry {
  readonly sequence: number;
  readonly keyspace: number;
  readonly partition: number;
}

/** Carried out at once, or lost at once. */
interface BatchEntry {
  readonly sequence: number;
  readonly batch: readonly KeyEntry[];
}

type Entry = KeyEntry | DropEntry | BatchEntry;

interface Image {
  readonly id: string;
  bootCount: number;
  readonly keyspaces: Map<number, SortedRecords>;
  nextSequence: number;
}

type Found = Pick<OpenReport, 'created' | 'clean' | 'tail'>;

class MemoryStore implements MemoryObjectStore {
  readonly report: OpenReport;
  readonly failed: Promise<StoreError>;
  readonly #fail: (error: StoreError) => void;
  readonly #options: Required<MemoryObjectStoreOptions>;
  /** What survives a crash; `#view` is this plus `#pending`, and what reads see. */
  readonly #image: Image;
  readonly #view: Image;
  #pending: Entry[] = [];
  #group: PromiseWithResolvers<void> | undefined;
  #bytes = 0;
  #stopped: StoreError | undefined;
  #closed = false;
  readonly #counters = { appends: 0, removes: 0, gets: 0, scans: 0, groups: 0, flushes: 0, refusedFull: 0 };

  constructor(options: MemoryObjectStoreOptions, image: Image, found: Found) {
    this.#options = {
      sizeBytes: 64 * 1024 * 1024,
      valueBytesMax: VALUE_BYTES_MAX,
      batchBytesMax: 1024 * 1024,
      partitionBits: PARTITION_BITS_DEFAULT,
      flushes: 'turn',
      ...options,
    };
    this.#image = image;
    image.bootCount += 1;
    this.#view = { ...image, keyspaces: new Map() };
    let records = 0;
    for (const [keyspace, sorted] of image.keyspaces) {
      for (const { hash, record } of sorted) {
        this.#bytes += apply(this.#view, { sequence: record.sequence, keyspace, hash, key: record.key, record });
      }
      records += sorted.size;
    }
    const failure = Promise.withResolvers<StoreError>();
    this.failed = failure.promise;
    this.#fail = failure.resolve;
    this.report = {
      ...found,
      deviceKind: 'memory',
      durability: 'Flushed appends survive a simulated crash, and nothing survives the process.',
      deviceDurable: false,
      imageId: image.id,
      bootCount: image.bootCount,
      sizeBytes: this.#options.sizeBytes,
      segmentBytes: this.#options.sizeBytes,
      partitionBits: this.#options.partitionBits,
      valueBytesMax: this.#options.valueBytesMax,
      batchBytesMax: this.#options.batchBytesMax,
      records,
      recordBytes: this.#bytes,
      nextSequence: image.nextSequence,
      replayMs: 0,
      fromCheckpoint: false,
      replayedRecords: 0,
      replayedBytes: 0,
      salvaged: 0,
      damaged: [],
    };
  }

  append(record: PutRecord): Appended {
    this.#enter();
    checkRecord(record, this.#options.valueBytesMax);
    const entry = this.#entryOf({ append: record }, this.#view.nextSequence);
    const old = this.#view.keyspaces.get(record.keyspace)?.get(entry.hash, entry.key);
    this.#checkRoom(bytesOf(entry.record) - bytesOf(old));
    return this.#accept(entry);
  }

  batch(writes: readonly BatchWrite[]): AppendedBatch {
    this.#enter();
    checkBatch(writes, this.#options);
    const { nextSequence } = this.#view;
    const batch = writes.map((write, index) => this.#entryOf(write, nextSequence + index));
    this.#checkRoom(batch.reduce((bytes, { record }) => bytes + bytesOf(record), 0));
    const { durable } = this.#accept({ sequence: nextSequence + batch.length - 1, batch });
    return { firstSequence: nextSequence, durable };
  }

  remove(keyspace: number, key: Uint8Array): Appended {
    this.#enter();
    checkKey(keyspace, key);
    return this.#accept(this.#entryOf({ remove: { keyspace, key } }, this.#view.nextSequence));
  }

  dropPartition(keyspace: number, partition: number): Appended {
    this.#enter();
    checkPartition(keyspace, partition, this.#options.partitionBits);
    return this.#accept({ sequence: this.#view.nextSequence, keyspace, partition });
  }

  async get(keyspace: number, key: Uint8Array): Promise<StoredRecord | undefined> {
    this.#enter();
    checkKey(keyspace, key);
    const record = this.#view.keyspaces.get(keyspace)?.get(xxh64(key), key);
    this.#counters.gets += 1;
    const found = record === undefined ? undefined : copyOf(record, true);
    await this.#durable();
    return found;
  }

  async scanPage(request: ScanPageRequest): Promise<ScanPage> {
    this.#enter();
    const page = this.#page(request);
    this.#counters.scans += 1;
    await this.#durable();
    return page;
  }

  scan(request: ScanPageRequest): AsyncIterable<StoredRecord> {
    return scanByPages(this, request);
  }

  async flush(): Promise<void> {
    this.#enter();
    this.#flushNow();
  }

  stats(): EngineStats {
    this.#enter();
    let records = 0;
    for (const sorted of this.#view.keyspaces.values()) records += sorted.size;
    return {
      ...NO_DEVICE,
      ...this.#counters,
      records,
      recordBytes: this.#bytes,
      freeBytes: this.#options.sizeBytes - this.#bytes,
    };
  }

  async close(): Promise<void> {
    if (this.#stopped?.reason === 'DEVICE_FAILED') this.#enter();
    if (this.#stopped !== undefined) return;
    this.#flushNow();
    this.#closed = true;
    this.#stopped = new StoreError('SHUTTING_DOWN', { message: 'the store is closed' });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  crash(seed: number): MemoryObjectStore {
    const lost = this.#pending;
    const kept = lost.slice(0, pick(seed, lost.length + 1));
    this.#pending = [];
    this.#group = undefined;
    this.#stopped = new StoreError('SHUTTING_DOWN', { message: 'the store crashed' });
    for (const entry of kept) apply(this.#image, entry);
    return new MemoryStore(this.#options, this.#image, {
      created: false,
      clean: false,
      tail: lost.length > 0 ? 'ambiguous' : 'sealed',
    });
  }

  reopen(): MemoryObjectStore {
    if (!this.#closed) throw new StoreError('IMAGE_LOCKED', { message: 'the store was not closed' });
    return new MemoryStore(this.#options, this.#image, { created: false, clean: true, tail: 'sealed' });
  }

  failDevice(): void {
    const error = new StoreError('DEVICE_FAILED');
    this.#stopped ??= error;
    this.#pending = [];
    this.#group?.reject(error.withEffect('unknown'));
    this.#group = undefined;
    this.#fail(error);
  }

  #page(request: ScanPageRequest): ScanPage {
    const bits = this.#options.partitionBits;
    const { keyspace, partition, maxRecords, maxBytes, values } = checkScan(request, bits);
    const sorted = this.#view.keyspaces.get(keyspace) ?? new SortedRecords();
    const from = request.after ?? { hash: BigInt(partition) << BigInt(64 - bits), key: NO_BYTES };
    const records: StoredRecord[] = [];
    let bytes = 0;
    let last = from;
    for (let index = sorted.seekAfter(from.hash, from.key); ; index += 1) {
      const entry = sorted.at(index);
      if (entry === undefined || entry.record.partition !== partition) return { records, damaged: 0 };
      bytes += entry.record.key.length + (values ? entry.record.value.length : 0);
      if (records.length === maxRecords || (records.length > 0 && bytes > maxBytes)) {
        return { records, damaged: 0, next: last };
      }
      const record = copyOf(entry.record, values);
      records.push(record);
      last = { hash: entry.hash, key: record.key };
    }
  }

  #entryOf(write: BatchWrite, sequence: number): KeyEntry {
    const { keyspace, key: given } = 'append' in write ? write.append : write.remove;
    const key = given.slice();
    const hash = xxh64(key);
    if ('remove' in write) return { sequence, keyspace, hash, key, record: undefined };
    const { value, generation = 0, expiresAtMs = 0 } = write.append;
    const partition = partitionOf(hash, this.#options.partitionBits);
    const record = { keyspace, partition, key, value: value.slice(), sequence, generation, expiresAtMs };
    return { sequence, keyspace, hash, key, record };
  }

  #checkRoom(more: number): void {
    if (more <= 0 || this.#bytes + more <= this.#options.sizeBytes) return;
    this.#counters.refusedFull += 1;
    throw new StoreError('DEVICE_FULL');
  }

  #enter(): void {
    if (this.#stopped !== undefined) throw StoreError.fromDetail(this.#stopped.toDetail());
  }

  /** Waits until what was accepted so far is durable; after a failure of the device, fails like any other call. */
  async #durable(): Promise<void> {
    await this.#group?.promise.catch(() => this.#enter());
  }

  #accept(entry: Entry): Appended {
    for (const each of 'batch' in entry ? entry.batch : [entry]) {
      this.#counters['partition' in each || each.record === undefined ? 'removes' : 'appends'] += 1;
    }
    this.#bytes += apply(this.#view, entry);
    this.#pending.push(entry);
    if (this.#group === undefined) {
      this.#group = Promise.withResolvers();
      this.#group.promise.catch(() => undefined);
      if (this.#options.flushes === 'turn') setImmediate(() => this.#flushNow());
    }
    return { sequence: entry.sequence, durable: this.#group.promise };
  }

  #flushNow(): void {
    for (const entry of this.#pending) apply(this.#image, entry);
    if (this.#pending.length > 0) {
      this.#counters.groups += 1;
      this.#counters.flushes += 1;
    }
    this.#pending = [];
    this.#group?.resolve();
    this.#group = undefined;
  }
}

function emptyImage(): Image {
  return { id: '0'.repeat(32), bootCount: 0, keyspaces: new Map(), nextSequence: 1 };
}

/** Carries out one entry and returns by how many bytes the image grew. */
function apply(image: Image, entry: Entry): number {
  image.nextSequence = Math.max(image.nextSequence, entry.sequence + 1);
  if ('batch' in entry) return entry.batch.reduce((bytes, each) => bytes + apply(image, each), 0);
  let sorted = image.keyspaces.get(entry.keyspace);
  if (sorted === undefined) {
    sorted = new SortedRecords();
    image.keyspaces.set(entry.keyspace, sorted);
  }
  if ('partition' in entry) {
    const dropped = sorted.deletePartition(entry.partition);
    return dropped.reduce((bytes, { record }) => bytes - bytesOf(record), 0);
  }
  const { hash, key, record } = entry;
  const old = record === undefined ? sorted.delete(hash, key) : sorted.set({ hash, record });
  return bytesOf(record) - bytesOf(old);
}

function bytesOf(record: StoredRecord | undefined): number {
  return record === undefined ? 0 : record.key.length + record.value.length;
}

function copyOf(record: StoredRecord, values: boolean): StoredRecord {
  return { ...record, key: record.key.slice(), value: values ? record.value.slice() : NO_BYTES };
}

/** An integer below `bound`, well mixed from the seed (one step of splitmix32). */
function pick(seed: number, bound: number): number {
  let mixed = (seed + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) % bound;
}
