import { StoreError } from '@ferrite/errors';
import { isEmptyContext } from '@ferrite/vector-clock';
import { type Desk, expectAnswer } from './desk.ts';
import { KeyLocks } from './key-locks.ts';
import { SYSTEM_RETRY_MS } from './limits.ts';
import type { Outcome } from './message.ts';
import type { Planted } from './mutation.ts';
import { decodeVersions, encodeVersions, type Versions, versionsEqual } from './record.ts';
import { RecordCache } from './record-cache.ts';
import { RecordKey } from './record-key.ts';

/** An append the engine accepted and has not flushed yet. */
interface Unflushed {
  readonly ticket: number;
  readonly waiters: ((failed: StoreError | undefined) => void)[];
}

/** What an {@link LocalRecords.update} reports, each at most once: `accepted` then `durable`, or `refused` alone. */
export interface UpdateListener {
  /** `encoded`: the bytes of what is stored now, if this update appended them. */
  accepted(encoded?: Uint8Array): void;
  durable(): void;
  refused(error: StoreError): void;
}

/** What the records need from their surroundings. */
export interface LocalRecordsHost {
  /** A stored record cannot be read (P7): its partition must recover. `then` is called once that is durable. */
  damaged(keyspaceId: number, key: Uint8Array, then: () => void): void;
  /**
   * The engine accepted a change: what was stored (`unknown`: it could not be read) and what is stored now, `undefined`
   * for nothing. The bytes are borrowed.
   */
  changed(
    at: RecordKey,
    before: Uint8Array | 'unknown' | undefined,
    after: Uint8Array | undefined,
    versions: Versions,
  ): void;
  /** The device failed: nothing may be acknowledged any more. */
  deviceFailed(error: StoreError): void;
}

/** The records of this node's engine: every change is a merge under the key's lock (P1, INV-REPL-1). */
export class LocalRecords {
  readonly #desk: Desk;
  readonly #host: LocalRecordsHost;
  readonly #planted: Planted;
  readonly #cache: RecordCache;
  readonly #locks = new KeyLocks();
  /** By the slot of the key: of two keys that share one, the later append, which is flushed no sooner. */
  readonly #unflushed = new Map<number, Unflushed>();
  #drops = 0;
  #sealed = false;

  /** @param cacheBytes memory for the records used last */
  constructor(desk: Desk, host: LocalRecordsHost, planted: Planted, cacheBytes: number) {
    this.#desk = desk;
    this.#host = host;
    this.#planted = planted;
    this.#cache = new RecordCache(cacheBytes);
  }

  /** The medium may not hold what it did: from now on it is asked. */
  doubt(): void {
    this.#cache.clear();
  }

  /** Appends accepted and not flushed. */
  get unflushed(): number {
    return this.#unflushed.size;
  }

  /** How often a partition was dropped: what was stored before may be gone. */
  get drops(): number {
    return this.#drops;
  }

  /** From now on nothing changes any more: what the node writes of itself last must hold for all that it leaves. */
  seal(): void {
    this.#sealed = !this.#planted('stop-unsealed');
  }

  /** Forgets all that is stored of a partition of a keyspace. */
  dropPartition(keyspaceId: number, partition: number, then: (ok: boolean) => void): void {
    this.#drops++;
    this.dropDeleted(keyspaceId, partition, then);
  }

  /** The same for a keyspace that is deleted: nobody waits for what is stored there. */
  dropDeleted(keyspaceId: number, partition: number, then: (ok: boolean) => void): void {
    this.#cache.clear();
    const ticket = this.#desk.ask({ type: 'dropPartition', keyspaceId, partition }, (answer) => {
      if (answer.type === 'accepted' && answer.refused === undefined) return;
      this.#desk.forget(ticket);
      const error = answer.type === 'accepted' ? answer.refused : expectAnswer(answer, 'durable').failed;
      if (error?.reason === 'DEVICE_FAILED' || (error !== undefined && answer.type === 'durable'))
        this.#host.deviceFailed(error);
      then(error === undefined);
    });
  }

  /**
   * Replaces what is stored of a key by `change(stored)`. `change` throws a `StoreError` to refuse; giving back what it
   * was given changes nothing, and then `durable` waits for the flush of what was there (INV-REPL-2: a duplicate is not
   * confirmed before its original). A record that nobody wrote is not stored: its key is removed.
   */
  update(at: RecordKey, change: (stored: Versions) => Versions, listener: UpdateListener): void {
    const exclusive = !this.#planted('forget-key-lock');
    let locked = exclusive;
    const release = (): void => {
      if (locked) this.#locks.release(at.slot);
      locked = false;
    };
    const body = (): void => {
      const drops = this.#drops;
      this.#read(at, (outcome, before) => {
        // What was read may just have been dropped.
        if (drops !== this.#drops) return body();
        if (!outcome.ok || this.#sealed) {
          release();
          return listener.refused(outcome.ok ? new StoreError('SHUTTING_DOWN') : outcome.error);
        }
        const stored = outcome.value;
        let next: Versions;
        try {
          next = change(stored);
        } catch (error) {
          release();
          if (!StoreError.is(error)) throw error;
          return listener.refused(error);
        }
        if (this.#planted('release-before-append')) release();
        // What could not be read is written anew whatever comes of it: that mends the medium.
        if (before !== 'unknown' && (next === stored || versionsEqual(next, stored))) {
          release();
          listener.accepted();
          if (this.#planted('confirm-duplicate-before-flush')) return listener.durable();
          return this.#whenFlushed(at, (failed) =>
            failed === undefined ? listener.durable() : listener.refused(failed),
          );
        }
        const encoded = isEmptyContext(next.context) ? undefined : encodeVersions(next);
        this.#append(at, encoded, {
          durable: () => listener.durable(),
          accepted: () => {
            this.#host.changed(at, before, encoded, next);
            release();
            listener.accepted(encoded);
          },
          refused: (error) => {
            if (!this.#planted('refused-append-keeps-lock')) release();
            listener.refused(error);
          },
        });
      });
    };
    if (exclusive) this.#locks.acquire(at.slot, body);
    else body();
  }

  /**
   * The bytes stored of a key, once they are flushed: what a quorum read tells must not be taken back by a crash
   * (INV-REPL-3). `flushed: false` tells what is accepted, at once.
   */
  read(at: RecordKey, flushed: boolean, then: (outcome: Outcome<Uint8Array | undefined>) => void): void {
    const { keyspaceId, key } = at;
    this.#look(at, (outcome) => {
      if (!outcome.ok) {
        if (this.#isLost(outcome.error)) this.#host.damaged(keyspaceId, key, () => {});
        return then(outcome);
      }
      if (!flushed) return then(outcome);
      this.#whenFlushed(at, (failed) => then(failed === undefined ? outcome : { ok: false, error: failed }));
    });
  }

  /** The bytes of a record, from memory if they are there. */
  #look(at: RecordKey, then: (outcome: Outcome<Uint8Array | undefined>) => void): void {
    const known = this.#cache.get(at);
    if (known !== undefined) return then({ ok: true, value: known });
    const mark = this.#cache.mark(at);
    const { keyspaceId, key } = at;
    const ticket = this.#desk.ask({ type: 'read', keyspaceId, key }, (answer) => {
      this.#desk.forget(ticket);
      const { outcome } = expectAnswer(answer, 'read');
      if (outcome.ok && outcome.value !== undefined) {
        if (this.#planted('cache-fills-late')) this.#cache.set(at, outcome.value);
        else this.#cache.fill(at, outcome.value, mark);
      }
      then(outcome);
    });
  }

  /**
   * Stores one of the node's own documents, as it is then: no merge, no lock. While the device is full or busy, it is tried
   * again.
   */
  writeSystem(keyspaceId: number, key: Uint8Array, value: () => Uint8Array, durable: () => void): void {
    this.tryWriteSystem(keyspaceId, key, value(), durable, (error) => {
      if (error.reason === 'DEVICE_FAILED') return;
      if (this.#planted('full-device-ends-node')) return this.#host.deviceFailed(error);
      this.#desk.timer(SYSTEM_RETRY_MS, () => this.writeSystem(keyspaceId, key, value, durable));
    });
  }

  /** Stores one of the node's own documents once, or removes it; `refused` hears if the device does not take it. */
  tryWriteSystem(
    keyspaceId: number,
    key: Uint8Array,
    value: Uint8Array | undefined,
    durable: () => void,
    refused: (error: StoreError) => void,
  ): void {
    this.#append(new RecordKey(keyspaceId, key), value, { accepted: () => {}, durable, refused });
  }

  #read(at: RecordKey, then: (stored: Outcome<Versions>, bytes: Uint8Array | 'unknown' | undefined) => void): void {
    this.#look(at, (outcome) => {
      const stored = outcome.ok ? decoded(outcome.value) : outcome;
      const lost = !stored.ok && this.#isLost(stored.error);
      // What is stored but could not be read now must not be replaced.
      if (stored.ok || (!lost && !this.#planted('refused-read-is-empty')))
        return then(stored, outcome.ok ? outcome.value : 'unknown');
      const empty = (): void => then({ ok: true, value: decodeVersions(undefined) }, 'unknown');
      // The partition recovers from now on; until its peers have told, nothing is known of this key. What is there now
      // is replaced only when that is durable: afterwards nobody could see that something was lost.
      if (lost && !this.#planted('damage-not-noted')) this.#host.damaged(at.keyspaceId, at.key, empty);
      else empty();
    });
  }

  /** Stores `value`, or removes the key. */
  #append(at: RecordKey, value: Uint8Array | undefined, listener: UpdateListener): void {
    const { keyspaceId, key, slot } = at;
    const waiters: Unflushed['waiters'] = [];
    const what =
      value === undefined
        ? ({ type: 'remove', keyspaceId, key } as const)
        : { type: 'append' as const, keyspaceId, key, value };
    const ticket = this.#desk.ask(what, (answer) => {
      if (answer.type === 'accepted') {
        if (answer.refused !== undefined) {
          this.#desk.forget(ticket);
          if (answer.refused.reason === 'DEVICE_FAILED') this.#host.deviceFailed(answer.refused);
          return listener.refused(answer.refused);
        }
        this.#unflushed.set(slot, { ticket, waiters });
        this.#cache.set(at, value);
        return listener.accepted();
      }
      const { failed } = expectAnswer(answer, 'durable');
      this.#desk.forget(ticket);
      if (this.#unflushed.get(slot)?.ticket === ticket) this.#unflushed.delete(slot);
      if (failed !== undefined) {
        this.#host.deviceFailed(failed);
        const inDoubt = failed.withEffect('unknown');
        listener.refused(inDoubt);
        for (const waiter of waiters) waiter(inDoubt);
        return;
      }
      listener.durable();
      for (const waiter of waiters) waiter(undefined);
    });
  }

  #whenFlushed({ slot }: RecordKey, then: (failed: StoreError | undefined) => void): void {
    const pending = this.#unflushed.get(slot);
    if (pending === undefined) then(undefined);
    else pending.waiters.push(then);
  }

  /** True if the record is lost, rather than the read refused for now. */
  #isLost(error: StoreError): boolean {
    if (error.reason === 'DEVICE_FAILED') this.#host.deviceFailed(error);
    return error.kind === 'data_loss';
  }
}

/** The engine has checked the bytes; what the codec refuses nevertheless is as lost as what the checksum refuses. */
function decoded(bytes: Uint8Array | undefined): Outcome<Versions> {
  try {
    return { ok: true, value: decodeVersions(bytes) };
  } catch (cause) {
    if (!StoreError.is(cause)) throw cause;
    return { ok: false, error: new StoreError('CHECKSUM_MISMATCH', { cause }) };
  }
}
