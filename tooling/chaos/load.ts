import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@ferrite/client';
import { StoreError } from '@ferrite/errors';
import type { Prng } from '../../packages/replication/src/testing/prng.ts';
import { Histogram } from '../bench/src/histogram.ts';
import { KeyLedger, type WriteFate } from './key-ledger.ts';

const KEYSPACE = 'default';
const VALUE_BYTES = 1024;
const TICK_MS = 10;
/** Latencies of requests that begin so soon after a kill are counted apart. */
const AFTER_KILL_MS = 3_000;
const IN_FLIGHT_MAX = 2_000;
const WRITES_SHARE = 0.5;
const DELETES_SHARE = 0.1;

/** Clients at a steady rate, half of it writes, and everything they were told against everything they wrote. */
export class Load {
  readonly violations: string[] = [];
  readonly latencies = new Histogram();
  readonly afterKill = new Histogram();
  readonly errors = new Map<string, number>();
  operations = 0;
  /** Reads with more than one value, after a write in doubt. */
  siblings = 0;
  /** Reads that showed a late attempt of a write that was repeated ({@link KeyLedger.endRead}). */
  late = 0;
  readonly #client: Client;
  readonly #prng: Prng;
  readonly #ledgers: readonly KeyLedger[];
  readonly #writing = new Set<number>();
  #inFlight = 0;
  /** Requests that were due while too many were in flight. */
  skipped = 0;
  #killedAt = Number.NEGATIVE_INFINITY;

  constructor(client: Client, prng: Prng, keys: number) {
    this.#client = client;
    this.#prng = prng;
    this.#ledgers = Array.from({ length: keys }, () => new KeyLedger());
  }

  get failed(): number {
    return [...this.errors.values()].reduce((sum, count) => sum + count, 0);
  }

  noteKill(): void {
    this.#killedAt = performance.now();
  }

  /** Keeps `rate` requests a second coming until the signal fires, and waits for the last of them. */
  async run(rate: number, signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    let issued = 0;
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * rate);
      for (; issued < due; issued++) {
        if (this.#inFlight < IN_FLIGHT_MAX) void this.#one();
        else this.skipped++;
      }
      await sleep(TICK_MS);
    }
    while (this.#inFlight > 0) await sleep(TICK_MS);
  }

  /** Reads every key once more, at QUORUM and then at ALL. */
  async readAll(): Promise<void> {
    for (const consistency of ['quorum', 'all'] as const)
      for (let key = 0; key < this.#ledgers.length; key += 64)
        await Promise.all(
          this.#ledgers.slice(key, key + 64).map((_, at) => this.#timed(() => this.#read(key + at, consistency))),
        );
  }

  async #one(): Promise<void> {
    const key = this.#prng.int(this.#ledgers.length);
    const write = this.#prng.chance(WRITES_SHARE) && !this.#writing.has(key);
    const kind = this.#prng.chance(DELETES_SHARE) ? 'delete' : 'put';
    this.#inFlight++;
    await this.#timed(() => (write ? this.#write(key, kind) : this.#read(key, 'quorum')));
    this.#inFlight--;
  }

  async #timed(run: () => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    this.operations++;
    try {
      await run();
    } catch (error) {
      if (!StoreError.is(error)) throw error;
      this.errors.set(error.reason, (this.errors.get(error.reason) ?? 0) + 1);
    }
    const tookMs = performance.now() - startedAt;
    this.latencies.record(tookMs);
    if (startedAt - this.#killedAt < AFTER_KILL_MS) this.afterKill.record(tookMs);
  }

  async #write(at: number, kind: 'put' | 'delete'): Promise<void> {
    const ledger = this.#ledgers[at]!;
    const key = keyOf(at);
    this.#writing.add(at);
    const number = ledger.begin(kind);
    let fate: WriteFate = 'unknown';
    try {
      const options = { consistency: 'quorum' } as const;
      if (kind === 'put') await this.#client.put(KEYSPACE, key, valueOf(at, number), options);
      else await this.#client.delete(KEYSPACE, key, options);
      fate = 'done';
    } catch (error) {
      if (StoreError.is(error) && error.effect === 'none') fate = 'none';
      throw error;
    } finally {
      ledger.end(number, fate);
      this.#writing.delete(at);
    }
  }

  async #read(at: number, consistency: 'quorum' | 'all'): Promise<void> {
    const ledger = this.#ledgers[at]!;
    const start = ledger.beginRead();
    const { siblings } = await this.#client.get(KEYSPACE, keyOf(at), { consistency });
    const numbers = siblings.map(({ value }) => numberOf(at, value));
    const { wrong, late } = ledger.endRead(start, numbers);
    for (const what of wrong) this.violations.push(`key ${at}: a read returned ${what}`);
    if (late) this.late++;
    if (late || new Set(numbers).size < 2) return;
    this.siblings++;
    if (ledger.certain)
      this.violations.push(
        `key ${at}: a read returned writes ${numbers.join(' and ')}, one of which replaced the other`,
      );
  }
}

function keyOf(at: number): Uint8Array {
  return Buffer.from(`chaos:${at}`);
}

function valueOf(at: number, number: number): Uint8Array {
  const value = Buffer.alloc(VALUE_BYTES, '.');
  value.write(`${at}/${number};`);
  return value;
}

/** The number of the write that a value is of; -1 for a value that no write made. */
function numberOf(at: number, value: Uint8Array): number {
  const [, key, number] = /^(\d+)\/(\d+);\.*$/.exec(Buffer.from(value).toString('latin1')) ?? [];
  return value.length === VALUE_BYTES && Number(key) === at ? Number(number) : Number.MAX_SAFE_INTEGER;
}
