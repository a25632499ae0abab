import { invariant, reasonFromId, StoreError } from '@ferrite/errors';
import { checkBatch, packBatch } from './batch.ts';
import type { NativeEngineHandle } from './binding.ts';
import type { CallbackStore, OnDurable } from './callback-store.ts';
import { COLUMN, COLUMNS, KIND, ROWS_MAX } from './completion-rows.ts';
import { DamageFeed, type DamageReport, type ScrubOptions, type ScrubProgress } from './damage.ts';
import type { Engine } from './engine.ts';
import { type LatencySnapshot, latencyFrom } from './latency.ts';
import { storeErrorFromNative, translated } from './native-error.ts';
import type {
  Appended,
  AppendedBatch,
  BatchWrite,
  PutRecord,
  ScanPage,
  ScanPageRequest,
  StoredRecord,
} from './object-store.ts';
import type { OpenReport } from './open-report.ts';
import { checkKey, checkPartition, checkRecord, checkScan, checkScrubRate, checkSince } from './record-check.ts';
import { scanByPages } from './scan.ts';
import { type SnapshotOptions, streamSnapshot } from './snapshot.ts';
import type { SnapshotReport } from './snapshot-format.ts';
import type { EngineStats } from './stats.ts';
import { TicketTable } from './ticket-table.ts';
import { FIRST_PLACE, LAST_PLACE, type Walkable, type WalkPage, type WalkRequest, walkPageFrom } from './walk.ts';

const NO_BYTES = new Uint8Array();
/** Of one page of a walk; a record larger than that has a page of its own. */
const WALK_RECORDS_MAX = 1024;
const WALK_BYTES_MAX = 8 * 1024 * 1024;

/** Between two calls of a scrub's `onProgress`. */
const PROGRESS_MS = 250;

/** Whatever reacts to it runs at the end of the turn, and cheaper than by `queueMicrotask`. */
const SETTLED = Promise.resolve();

/** The records of a page so far, and the hash of the last one in two halves. */
interface Page {
  readonly records: StoredRecord[];
  hashHigh: number;
  hashLow: number;
}

/** An operation in flight. */
interface Waiting {
  readonly keyspace: number;
  readonly page: Page | undefined;
  /** Takes what the kind of operation brings; the type is chosen where the operation is submitted. */
  readonly done: (failed: StoreError | undefined, value: unknown) => void;
}

/**
 * The engine behind the addon. A submission is one native call that copies the bytes into the engine's memory; its
 * completion is a row of numbers, and one wake-up of the event loop brings all rows there are.
 */
export class NativeEngine implements Engine, Walkable {
  readonly report: OpenReport;
  readonly failed: Promise<StoreError>;
  readonly #fail: (error: StoreError) => void;
  readonly #handle: NativeEngineHandle;
  readonly #device: string;
  readonly #waitInline: boolean;
  readonly #rows = new Float64Array(ROWS_MAX * COLUMNS);
  readonly #latency: Uint8Array;
  readonly #tickets = new TicketTable<Waiting>();
  readonly #damage = new DamageFeed(() =>
    this.#handle.takeDamage().map((each) => ({ ...each, reason: reasonFromId(each.reason) })),
  );
  #closing: Promise<void> | undefined;
  #turning = false;
  /** The slab that small records go into until it is full. */
  #pool: readonly ArrayBuffer[] | undefined;
  readonly #endTurn = (): void => {
    this.#turning = false;
    this.#handle.endTurn(this.#waitInline);
  };

  /** @param waitInline see `EngineConfig.waitInline` */
  constructor(handle: NativeEngineHandle, device: string, waitInline: boolean) {
    this.#handle = handle;
    this.#device = device;
    this.#waitInline = waitInline;
    this.#latency = new Uint8Array(handle.latency());
    const failure = Promise.withResolvers<StoreError>();
    this.failed = failure.promise;
    this.#fail = failure.resolve;
    const report = handle.report();
    this.report = {
      ...report,
      damaged: report.damaged.map((each) => ({ ...each, reason: reasonFromId(each.reason) })),
    };
    handle.start(this.#rows, (count, slabs, pool, messages) => this.#deliver(count, slabs, pool, messages));
  }

  readonly calls: CallbackStore = {
    append: (record, durable) => this.#append(record, durable),
    remove: (keyspace, key, durable) => this.#remove(keyspace, key, durable),
    dropPartition: (keyspace, partition, durable) => this.#dropPartition(keyspace, partition, durable),
    get: (keyspace, key, then) => this.#get(keyspace, key, true, then),
  };

  append(record: PutRecord): Appended {
    return promised((durable) => this.#append(record, durable));
  }

  remove(keyspace: number, key: Uint8Array): Appended {
    return promised((durable) => this.#remove(keyspace, key, durable));
  }

  dropPartition(keyspace: number, partition: number): Appended {
    return promised((durable) => this.#dropPartition(keyspace, partition, durable));
  }

  batch(writes: readonly BatchWrite[]): AppendedBatch {
    const { sequence, durable } = promised((done) => {
      this.#enter();
      checkBatch(writes, this.report);
      const { numbers, bytes } = packBatch(writes);
      return this.#write(done, (ticket) => this.#handle.batch(ticket, numbers, bytes));
    });
    return { firstSequence: sequence, durable };
  }

  get(keyspace: number, key: Uint8Array): Promise<StoredRecord | undefined> {
    return new Promise((resolve, reject) => {
      // Not at once: who awaits one get after the other would keep the event loop from its turns.
      this.#get(keyspace, key, false, (failed, found) => (failed === undefined ? resolve(found) : reject(failed)));
    });
  }

  scanPage(request: ScanPageRequest): Promise<ScanPage> {
    return this.#submit(request.keyspace, { records: [], hashHigh: 0, hashLow: 0 }, (ticket) => {
      const { keyspace, partition, maxRecords, maxBytes, values } = checkScan(request, this.report.partitionBits);
      const { hash = 0n, key = NO_BYTES } = request.after ?? {};
      this.#handle.scan(ticket, keyspace, partition, maxRecords, maxBytes, values, hash, key);
    });
  }

  scan(request: ScanPageRequest): AsyncIterable<StoredRecord> {
    return scanByPages(this, request);
  }

  walk(request: WalkRequest): Promise<WalkPage> {
    return this.#submit(0, { records: [], hashHigh: 0, hashLow: 0 }, (ticket) => {
      const { step, from = FIRST_PLACE, to = LAST_PLACE, since = 0, values = true } = request;
      this.#handle.walk(
        ticket,
        step,
        from.keyspace,
        from.hash,
        to.keyspace,
        to.hash,
        since,
        WALK_RECORDS_MAX,
        WALK_BYTES_MAX,
        values,
      );
    });
  }

  snapshot(options: SnapshotOptions = {}): AsyncGenerator<Uint8Array, SnapshotReport, undefined> {
    checkSince(options.since);
    this.#enter();
    return streamSnapshot(this, options);
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubProgress> {
    const { bytesPerSecond = 0, signal, onProgress } = options;
    checkScrubRate(options.bytesPerSecond);
    signal?.throwIfAborted();
    const stop = (): void => this.#handle.stopScrub();
    const done = this.#submit<ScrubProgress | undefined>(0, undefined, (ticket) =>
      this.#handle.scrub(ticket, bytesPerSecond),
    );
    signal?.addEventListener('abort', stop, { once: true });
    const beat = onProgress && setInterval(() => onProgress(this.#handle.scrubProgress()), PROGRESS_MS);
    try {
      const progress = await done;
      if (progress === undefined) {
        signal?.throwIfAborted();
        throw new StoreError('SHUTTING_DOWN', {
          message: 'the engine was closed before the scrub had seen everything',
        });
      }
      onProgress?.(progress);
      return progress;
    } finally {
      clearInterval(beat);
      signal?.removeEventListener('abort', stop);
    }
  }

  damage(): AsyncGenerator<DamageReport, void, undefined> {
    return this.#damage.listen();
  }

  flush(): Promise<void> {
    return this.#submit(0, undefined, (ticket) => this.#handle.flush(ticket));
  }

  stats(): EngineStats {
    this.#enter();
    return this.#handle.stats();
  }

  latency(): LatencySnapshot {
    return latencyFrom(this.#latency);
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle
      .close()
      .catch((error: unknown) => {
        throw translated(error, this.#device);
      })
      .finally(() => this.#damage.end());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What one turn of JavaScript asks for goes on its way together. */
  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    void SETTLED.then(this.#endTurn);
  }

  #enter(): void {
    if (this.#closing !== undefined) throw new StoreError('SHUTTING_DOWN', { message: 'the engine is closed' });
  }

  #append(record: PutRecord, durable: OnDurable): number {
    this.#enter();
    checkRecord(record, this.report.valueBytesMax);
    const { keyspace, key, value, generation = 0, expiresAtMs = 0 } = record;
    return this.#write(durable, (ticket) => this.#handle.append(ticket, keyspace, generation, expiresAtMs, key, value));
  }

  #remove(keyspace: number, key: Uint8Array, durable: OnDurable): number {
    this.#enter();
    checkKey(keyspace, key);
    return this.#write(durable, (ticket) => this.#handle.remove(ticket, keyspace, key));
  }

  #dropPartition(keyspace: number, partition: number, durable: OnDurable): number {
    this.#enter();
    checkPartition(keyspace, partition, this.report.partitionBits);
    return this.#write(durable, (ticket) => this.#handle.dropPartition(ticket, keyspace, partition));
  }

  #get(keyspace: number, key: Uint8Array, atOnce: boolean, then: Parameters<CallbackStore['get']>[2]): void {
    const ticket = this.#tickets.take({ keyspace, page: undefined, done: then as Waiting['done'] });
    try {
      this.#enter();
      checkKey(keyspace, key);
      if (this.#handle.get(ticket, keyspace, key, atOnce)) return this.#turn();
    } catch (error) {
      return then(StoreError.from(this.#refused(ticket, error)), undefined);
    }
    this.#tickets.settle(ticket);
    then(undefined, undefined);
  }

  #write(durable: OnDurable, submit: (ticket: number) => number): number {
    const ticket = this.#tickets.take({ keyspace: 0, page: undefined, done: durable });
    try {
      const sequence = submit(ticket);
      this.#turn();
      return sequence;
    } catch (error) {
      throw this.#refused(ticket, error);
    }
  }

  #submit<T>(keyspace: number, page: Page | undefined, submit: (ticket: number) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (failed: StoreError | undefined, value: unknown): void =>
        failed === undefined ? resolve(value as T) : reject(failed);
      const ticket = this.#tickets.take({ keyspace, page, done });
      try {
        this.#enter();
        submit(ticket);
        this.#turn();
      } catch (error) {
        reject(this.#refused(ticket, error));
      }
    });
  }

  #refused(ticket: number, error: unknown): unknown {
    this.#tickets.settle(ticket);
    return translated(error, this.#device);
  }

  #deliver(
    count: number,
    slabs: readonly ArrayBuffer[] | undefined,
    pool: number,
    messages: readonly string[] | undefined,
  ): void {
    this.#settle(count, slabs ?? this.#pool, messages);
    if (slabs === undefined) return;
    const kept = slabs[pool];
    this.#pool = kept === undefined ? undefined : [kept];
  }

  /** Tells those who wait what a batch completed. They may submit at once: what they ask for goes on its way at the end of the turn. */
  #settle(count: number, slabs: readonly ArrayBuffer[] | undefined, messages: readonly string[] | undefined): void {
    for (let row = 0; row < count; row += 1) {
      const kind = this.#cell(row, COLUMN.kind);
      if (kind === KIND.failed) {
        this.#fail(this.#failure(row, messages));
      } else if (kind === KIND.damage) {
        this.#damage.announce();
      } else if (kind === KIND.recordOfPage) {
        const { keyspace, page } = this.#tickets.at(this.#cell(row, COLUMN.ticket));
        invariant(page !== undefined, 'INV-ENGINE-TICKET', 'a record of a page that nobody asked for');
        page.records.push(this.#record(row, keyspace, slabs));
        page.hashHigh = this.#cell(row, COLUMN.hashHigh);
        page.hashLow = this.#cell(row, COLUMN.hashLow);
      } else {
        const waiting = this.#tickets.settle(this.#cell(row, COLUMN.ticket));
        if (this.#cell(row, COLUMN.reason) !== 0) waiting.done(this.#failure(row, messages), undefined);
        else waiting.done(undefined, this.#outcome(row, kind, waiting, slabs));
      }
    }
  }

  #outcome(row: number, kind: number, { keyspace, page }: Waiting, slabs: readonly ArrayBuffer[] | undefined): unknown {
    if (kind === KIND.get) return this.#cell(row, COLUMN.slab) < 0 ? undefined : this.#record(row, keyspace, slabs);
    if (kind === KIND.scrub) return this.#cell(row, COLUMN.more) === 0 ? this.#handle.scrubProgress() : undefined;
    if (page === undefined) return undefined;
    if (this.#cell(row, COLUMN.slab) >= 0) return walkPageFrom(this.#bytes(row, slabs), page.records);
    const damaged = this.#cell(row, COLUMN.damaged);
    const last = page.records.at(-1);
    if (this.#cell(row, COLUMN.more) === 0 || last === undefined) return { records: page.records, damaged };
    const hash = (BigInt(page.hashHigh) << 32n) | BigInt(page.hashLow);
    return { records: page.records, damaged, next: { hash, key: last.key } };
  }

  #record(row: number, keyspace: number, slabs: readonly ArrayBuffer[] | undefined): StoredRecord {
    const slab = slabs?.[this.#cell(row, COLUMN.slab)];
    const offset = this.#cell(row, COLUMN.offset);
    const keyBytes = this.#cell(row, COLUMN.keyBytes);
    invariant(slab !== undefined, 'INV-ENGINE-TICKET', 'a record without its bytes');
    return {
      keyspace,
      partition: this.#cell(row, COLUMN.partition),
      key: new Uint8Array(slab, offset, keyBytes),
      value: new Uint8Array(slab, offset + keyBytes, this.#cell(row, COLUMN.valueBytes)),
      sequence: this.#cell(row, COLUMN.sequence),
      generation: this.#cell(row, COLUMN.generation),
      expiresAtMs: this.#cell(row, COLUMN.expiresAtMs),
    };
  }

  /** All the bytes of a row. */
  #bytes(row: number, slabs: readonly ArrayBuffer[] | undefined): Uint8Array {
    const slab = slabs?.[this.#cell(row, COLUMN.slab)];
    invariant(slab !== undefined, 'INV-ENGINE-TICKET', 'a page without its bytes');
    const bytes = this.#cell(row, COLUMN.keyBytes) + this.#cell(row, COLUMN.valueBytes);
    return new Uint8Array(slab, this.#cell(row, COLUMN.offset), bytes);
  }

  #failure(row: number, messages: readonly string[] | undefined): StoreError {
    const failure = {
      reason: this.#cell(row, COLUMN.reason),
      effect: this.#cell(row, COLUMN.effectUnknown) === 0 ? ('none' as const) : ('unknown' as const),
      systemError: this.#cell(row, COLUMN.generation),
      message: messages?.[this.#cell(row, COLUMN.sequence)] ?? '',
    };
    return storeErrorFromNative(failure, this.#device);
  }

  #cell(row: number, column: number): number {
    return this.#rows[row * COLUMNS + column] ?? 0;
  }
}

/** A change as a promise; left alone, its failure is nobody's unhandled rejection. */
function promised(submit: (durable: OnDurable) => number): Appended {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sequence = submit((failed) => {
    if (failed === undefined) return resolve();
    promise.catch(() => undefined);
    reject(failed);
  });
  return { sequence, durable: promise };
}
