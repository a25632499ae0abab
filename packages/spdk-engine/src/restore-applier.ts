import { StoreError } from '@ferrite/errors';
import type { Engine } from './engine.ts';
import { isMarker } from './restore-marker.ts';
import type { SnapshotProgress } from './snapshot.ts';
import type { SnapshotRange, SnapshotRecord } from './snapshot-format.ts';
import { comparePlaces, FIRST_PLACE, LINE, type Place, WALK_STEP, type Walkable } from './walk.ts';

/** Appends whose durability is awaited together, at most. */
const UNSETTLED_MAX = 4096;
const UNSETTLED_BYTES_MAX = 16 * 1024 * 1024;
/** Ranges that are compared with the target at a time. */
const COMPARED_MAX = 64;

/** A range whose records are being taken in. */
interface Taking {
  readonly range: SnapshotRange;
  /** Keys of its records, as text of one character a byte. */
  readonly keys: Set<string>;
  left: number;
}

/** Makes an engine hold what a snapshot's entries say, in their order. */
export class RestoreApplier {
  readonly #engine: Engine & Walkable;
  /** The target began empty: what lies at and behind the next place still is. */
  readonly #fresh: boolean;
  #furthest: Place = FIRST_PLACE;
  #taking: Taking | undefined;
  readonly #unsettled: { durable: Promise<void>; bytes: number }[] = [];
  #unsettledBytes = 0;
  readonly #compared = new Map<string, Promise<void>>();
  #records = 0;
  #bytes = 0;

  constructor(engine: Engine & Walkable, fresh: boolean) {
    this.#engine = engine;
    this.#fresh = fresh;
  }

  get progress(): SnapshotProgress {
    return { records: this.#records, bytes: this.#bytes };
  }

  async range(range: SnapshotRange): Promise<void> {
    const beyond = comparePlaces(range.first, this.#furthest) >= 0;
    if (beyond) this.#furthest = range.last;
    this.#taking = undefined;
    if (this.#fresh && beyond) return;
    // Ranges of one place each are independent of one another, but not of a former one of the same place.
    const isPlace = comparePlaces(range.first, range.last) === 0;
    if (!isPlace || this.#compared.has(nameOf(range)) || this.#compared.size >= COMPARED_MAX) await this.#compareAll();
    this.#taking = { range, keys: new Set(), left: range.records };
    await this.#settleRange();
  }

  async record(record: SnapshotRecord): Promise<void> {
    await this.#append(record);
    this.#records += 1;
    this.#bytes += record.key.byteLength + record.value.byteLength;
    if (this.#taking === undefined) return;
    this.#taking.keys.add(Buffer.from(record.key).toString('latin1'));
    this.#taking.left -= 1;
    await this.#settleRange();
  }

  /** Settles when all of it is durable. */
  async finish(): Promise<void> {
    await this.#compareAll();
    await Promise.all(this.#unsettled.splice(0).map(({ durable }) => durable));
    await this.#engine.flush();
  }

  async #append(record: SnapshotRecord): Promise<void> {
    const bytes = record.key.byteLength + record.value.byteLength;
    while (this.#unsettled.length > UNSETTLED_MAX || this.#unsettledBytes > UNSETTLED_BYTES_MAX)
      await this.#settleOne();
    for (;;) {
      try {
        const { durable } = this.#engine.append(record);
        this.#unsettled.push({ durable, bytes });
        this.#unsettledBytes += bytes;
        return;
      } catch (error) {
        if (!StoreError.is(error) || error.reason !== 'OVERLOADED' || this.#unsettled.length === 0) throw error;
        await this.#settleOne();
      }
    }
  }

  async #settleOne(): Promise<void> {
    const oldest = this.#unsettled.shift();
    this.#unsettledBytes -= oldest?.bytes ?? 0;
    await oldest?.durable;
  }

  /** Once a range's records are all there, what else the target holds between its places goes. */
  async #settleRange(): Promise<void> {
    const taking = this.#taking;
    if (taking === undefined || taking.left > 0) return;
    this.#taking = undefined;
    const compared = this.#compare(taking);
    compared.catch(() => undefined); // awaited by compareAll
    this.#compared.set(nameOf(taking.range), compared);
    if (comparePlaces(taking.range.first, taking.range.last) !== 0) await this.#compareAll();
  }

  async #compareAll(): Promise<void> {
    await Promise.all(this.#compared.values());
    this.#compared.clear();
  }

  async #compare({ range, keys }: Taking): Promise<void> {
    let kept = 0;
    for (let from: Place | undefined = range.first; from !== undefined; ) {
      const page = await this.#engine.walk({ step: WALK_STEP.plain, from, to: range.last, values: false });
      let next = 0;
      for (const { state, place } of page.lines) {
        const key = state === LINE.read ? page.records[next++]?.key : undefined;
        if (key !== undefined && isMarker(place.keyspace, key)) continue;
        const isKept = place.keyspace === range.keyspace && place.hash === range.kept[kept];
        if (key !== undefined && place.keyspace === range.keyspace && keys.has(Buffer.from(key).toString('latin1'))) {
          continue;
        }
        if (isKept) kept += 1;
        else if (key !== undefined && range.kept[kept - 1] !== place.hash) await this.#remove(place.keyspace, key);
        else throw undecided(place);
      }
      from = page.next;
    }
    if (kept !== range.kept.length) throw undecided({ keyspace: range.keyspace, hash: range.kept[kept] ?? 0n });
  }

  async #remove(keyspace: number, key: Uint8Array): Promise<void> {
    const { durable } = this.#engine.remove(keyspace, key);
    await durable;
  }
}

function nameOf({ first }: SnapshotRange): string {
  return `${first.keyspace}/${first.hash}`;
}

/** The target lacks what the increment builds on, or holds there what cannot be told apart. */
function undecided({ keyspace, hash }: Place): StoreError {
  return new StoreError('CONFIG_INVALID', {
    message: `the image differs from the increment's base at hash ${hash.toString(16)} of keyspace ${keyspace}, or has damaged or colliding keys there; restore a full snapshot instead`,
  });
}
