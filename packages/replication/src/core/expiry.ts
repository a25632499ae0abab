import { emptyRecord } from '@ferrite/vector-clock';
import { expectAnswer } from './desk.ts';
import { forEachBounded } from './for-each-bounded.ts';
import {
  EXPIRY_CLOCK_OFF_MS_MAX,
  EXPIRY_EVERY_MS,
  EXPIRY_GRACE_MS,
  TRANSFER_PAGE_BYTES,
  TRANSFER_PAGE_RECORDS,
} from './limits.ts';
import { askPeerTime } from './peer-time.ts';
import { decodeVersions, type StoredValue, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import type { ReplicaContext } from './replica-context.ts';

/** When expired values are converted. Milliseconds. */
export interface ExpiryPace {
  /** Pause between two rounds. */
  readonly everyMs: number;
  /** So long past its expiry a value becomes a tombstone, and a partition is not gone through again before that. */
  readonly graceMs: number;
  /** A clock further from the median of the peers converts nothing. */
  readonly clockOffMsMax: number;
}

export const EXPIRY_PACE: ExpiryPace = {
  everyMs: EXPIRY_EVERY_MS,
  graceMs: EXPIRY_GRACE_MS,
  clockOffMsMax: EXPIRY_CLOCK_OFF_MS_MAX,
};

/** How expiry goes on. */
export interface ExpiryStatus {
  /** Values converted by this process. */
  readonly converted: number;
  /** How far this node's clock was from its peers' when they were asked last, in milliseconds. */
  readonly clockOffMs: number;
  /** Why the last round converted nothing that was due; empty if it did, or nothing was. */
  readonly stalled: string;
}

/** A keyspace of a partition in which something expires. */
interface Place {
  readonly partition: number;
  readonly keyspaceId: number;
  /** The first expiry in it, and when it may be gone through again. */
  firstMs: number;
  againMs: number;
}

/** True if nobody may be shown the value any more. */
export function isExpired({ expiresAtMs }: StoredValue, wallMs: number): boolean {
  return expiresAtMs !== 0 && expiresAtMs <= wallMs;
}

/**
 * Turns expired values into tombstones (P16, INV-REPL-21): long after nobody is shown them, each replica drops them from its
 * records and keeps the contexts, so that no copy brings them back; what has no values left is forgotten like any deleted
 * record. Nothing else looks at the time, and a node does it only when its clock agrees with those of its peers.
 */
export class Expiry {
  readonly #node: ReplicaContext;
  readonly #pace: ExpiryPace;
  readonly #places = new Map<string, Place>();
  #converted = 0;
  #clockOffMs = 0;
  #stalled = '';
  #running = false;

  constructor(node: ReplicaContext, pace: ExpiryPace) {
    this.#node = node;
    this.#pace = pace;
  }

  /** Begins the rounds. Call it when the node is verified. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#roundLater();
  }

  status(): ExpiryStatus {
    return { converted: this.#converted, clockOffMs: this.#clockOffMs, stalled: this.#stalled };
  }

  /** This node holds these versions of a key. */
  saw(at: RecordKey, { siblings }: Versions): void {
    let firstMs = 0;
    for (const { value } of siblings)
      if (value.expiresAtMs !== 0 && (firstMs === 0 || value.expiresAtMs < firstMs)) firstMs = value.expiresAtMs;
    if (firstMs === 0) return;
    const { keyspaceId } = at;
    const partition = at.partition(this.#node.topology().partitionBits);
    const name = `${partition}/${keyspaceId}`;
    const place = this.#places.get(name);
    if (place === undefined) this.#places.set(name, { partition, keyspaceId, firstMs, againMs: 0 });
    else if (firstMs < place.firstMs) place.firstMs = firstMs;
  }

  #roundLater(): void {
    this.#node.desk.timer(this.#pace.everyMs, () => this.#round());
  }

  #round(): void {
    const soon = this.#due(this.#node.wallMs() - this.#pace.graceMs);
    if (soon.length === 0) {
      this.#stalled = '';
      return this.#roundLater();
    }
    if (this.#node.planted('expiry-trusts-clock')) return this.#convert(this.#node.wallMs());
    askPeerTime(this.#node, (time) => {
      const offMs = time?.offMs ?? Number.POSITIVE_INFINITY;
      if (time !== undefined) this.#clockOffMs = offMs;
      if (time !== undefined && offMs <= this.#pace.clockOffMsMax) {
        this.#stalled = '';
        return this.#convert(time.wallMs);
      }
      const why =
        time === undefined
          ? 'too few peers tell the time'
          : `CLOCK_WRONG: the clock is ${offMs} ms from those of the peers`;
      if (why !== this.#stalled && time !== undefined) {
        const text = 'CLOCK_WRONG: nothing that expired is converted; set the clocks of all nodes by NTP';
        this.#node.desk.emit({ type: 'note', level: 'warn', text, facts: { offMs } });
      }
      this.#stalled = why;
      this.#roundLater();
    });
  }

  #due(cutoffMs: number): readonly Place[] {
    return [...this.#places.values()].filter(({ firstMs, againMs }) => Math.max(firstMs, againMs) <= cutoffMs);
  }

  /** `wallMs` is what the peers say, not this node's clock: that may have been set since it was compared. */
  #convert(wallMs: number): void {
    const cutoffMs = wallMs - this.#pace.graceMs;
    forEachBounded(
      this.#due(cutoffMs),
      1,
      (place, done) => {
        place.firstMs = Number.POSITIVE_INFINITY;
        place.againMs = wallMs;
        this.#walk(place, undefined, cutoffMs, () => {
          if (place.firstMs === Number.POSITIVE_INFINITY) this.#places.delete(`${place.partition}/${place.keyspaceId}`);
          done();
        });
      },
      () => this.#roundLater(),
    );
  }

  /** Goes through the records of a place, page by page, and notes anew when the first of them expires. */
  #walk(
    place: Place,
    after: { readonly hash: bigint; readonly key: Uint8Array } | undefined,
    cutoffMs: number,
    done: () => void,
  ): void {
    const { partition, keyspaceId } = place;
    this.#node.background.run('expiry', (release) => {
      const limits = { maxRecords: TRANSFER_PAGE_RECORDS, maxBytes: TRANSFER_PAGE_BYTES };
      const ticket = this.#node.desk.ask({ type: 'page', keyspaceId, partition, after, ...limits }, (answer) => {
        this.#node.desk.forget(ticket);
        const { outcome } = expectAnswer(answer, 'page');
        if (!outcome.ok) {
          release(0);
          // Whatever is left is looked for again.
          place.firstMs = Math.min(place.firstMs, cutoffMs);
          return done();
        }
        const { records, next } = outcome.value;
        release(records.reduce((sum, { key, value }) => sum + key.byteLength + value.byteLength, 0));
        forEachBounded(
          records,
          1,
          ({ key, value }, then) => this.#look(keyspaceId, key, decodeVersions(value), cutoffMs, then),
          () => (next === undefined ? done() : this.#walk(place, next, cutoffMs, done)),
        );
      });
    });
  }

  #look(keyspaceId: number, key: Uint8Array, versions: Versions, cutoffMs: number, then: () => void): void {
    this.saw(new RecordKey(keyspaceId, key), versions);
    if (!versions.siblings.some(({ value }) => isExpired(value, cutoffMs))) return then();
    let settled = false;
    const settle = (): void => {
      if (!settled) then();
      settled = true;
    };
    const change = (stored: Versions): Versions => {
      const siblings = stored.siblings.filter(({ value }) => !isExpired(value, cutoffMs));
      if (siblings.length === stored.siblings.length) return stored;
      this.#converted += stored.siblings.length - siblings.length;
      if (this.#node.planted('expiry-forgets')) return emptyRecord;
      return { ...stored, siblings };
    };
    this.#node.records.update(new RecordKey(keyspaceId, key), change, {
      accepted: settle,
      durable: () => {},
      refused: settle,
    });
  }
}
