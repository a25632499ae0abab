import { invariant, StoreError } from '@ferrite/errors';
import type { OpenReport } from './open-report.ts';
import { isMarker, MARKER_PLACE } from './restore-marker.ts';
import type { SnapshotDamage, SnapshotReport } from './snapshot-format.ts';
import { SnapshotWriter } from './snapshot-writer.ts';
import {
  comparePlaces,
  FIRST_PLACE,
  LAST_PLACE,
  LINE,
  type Line,
  type Place,
  placeBefore,
  WALK_STEP,
  type Walkable,
  type WalkPage,
  type WalkRecord,
} from './walk.ts';

/** Changes behind the walk beyond which some are written out before it goes on. */
const CHANGES_EARLY = 1 << 16;
/** How often everything that changed is gone through before it is clear that writes outrun the reader. */
const ROUNDS_MAX = 64;

/** How far a snapshot or a restore is. */
export interface SnapshotProgress {
  /** Records so far, and bytes of their keys and values. */
  readonly records: number;
  readonly bytes: number;
}

/** What to take a snapshot of. */
export interface SnapshotOptions {
  /** Only what changed after this sequence: that of an earlier snapshot of this image (default 0: everything). */
  readonly since?: number;
  readonly signal?: AbortSignal;
  /** Called after every page that was read. */
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

type Source = Walkable & { readonly report: Pick<OpenReport, 'imageId' | 'partitionBits'> };

/**
 * The bytes of a snapshot, in blocks of up to 1 MiB that belong to the reader. Read at the reader's pace: no more than
 * a page (8 MiB, or one record) is held. The return value is the report.
 */
export async function* streamSnapshot(
  source: Source,
  { since = 0, signal, onProgress }: SnapshotOptions = {},
): AsyncGenerator<Uint8Array, SnapshotReport, undefined> {
  signal?.throwIfAborted();
  const { imageId, partitionBits } = source.report;
  const writer = new SnapshotWriter({ imageId, baseSequence: since, partitionBits });
  const missing = new DamageList(partitionBits);
  const write = (page: WalkPage, from?: Place): WalkPage => {
    missing.note(page.lines);
    if (from === undefined) writeChanges(writer, page, partitionBits);
    else writeRange(writer, page, from);
    onProgress?.({ records: writer.records, bytes: writer.bytes });
    signal?.throwIfAborted();
    return page;
  };
  const takeChanges = async (): Promise<WalkPage> => write(await source.walk({ step: WALK_STEP.changes }));
  let page = await source.walk({ step: WALK_STEP.start, since });
  try {
    if (page.sequence < since) throw beyond(since, page.sequence);
    write(page, FIRST_PLACE);
    yield* writer.take();
    for (let { next } = page; next !== undefined; next = page.next) {
      if (page.changes > CHANGES_EARLY) await takeChanges();
      page = write(await source.walk({ step: WALK_STEP.next, from: next, since }), next);
      yield* writer.take();
    }
    for (let round = 0, left = page.changes; ; ) {
      page = await takeChanges();
      if (page.changes === 0) break;
      left -= page.lines.filter(({ state }) => state === LINE.changed).length;
      if (left <= 0) {
        round += 1;
        left = page.changes;
      }
      if (round > ROUNDS_MAX) throw outrun();
      yield* writer.take();
    }
    const report = writer.finish(page.sequence, missing.list);
    yield* writer.take();
    return report;
  } finally {
    // A closed or failed engine has forgotten the walk already.
    await source.walk({ step: WALK_STEP.end }).catch(() => undefined);
  }
}

/** A page of the walk as one range, from where it was asked to begin to where the next one will. */
function writeRange(writer: SnapshotWriter, page: WalkPage, first: Place): void {
  const read = page.lines.filter(({ state }) => state === LINE.read);
  const kept = page.lines.filter(({ state, place }) => state === LINE.kept && comparePlaces(place, MARKER_PLACE) !== 0);
  const keyspace = page.lines[0]?.place.keyspace ?? first.keyspace;
  const records = page.records.filter(({ key }, index) => !isMarkerAt(read[index], key));
  const last = page.next === undefined ? LAST_PLACE : placeBefore(page.next);
  const hashes = BigUint64Array.from(kept, ({ place }) => place.hash);
  writer.range({ keyspace, first, last, kept: hashes, records: records.length });
  for (const record of records) writer.record(record);
}

/** Every changed place as a range of its own; a dropped partition as one that holds nothing. */
function writeChanges(writer: SnapshotWriter, { lines, records }: WalkPage, partitionBits: number): void {
  let next = 0;
  let place = FIRST_PLACE;
  let last = FIRST_PLACE;
  let found: WalkRecord[] = [];
  const write = (): void => {
    writer.range({ keyspace: place.keyspace, first: place, last, kept: new BigUint64Array(), records: found.length });
    for (const record of found) writer.record(record);
  };
  for (const [index, line] of lines.entries()) {
    if (line.state === LINE.read) {
      const record = records[next];
      next += 1;
      invariant(record !== undefined, 'INV-ENGINE-SNAPSHOT', 'a change without its record');
      if (!isMarkerAt(line, record.key)) found.push(record);
    } else if (line.state === LINE.changed || line.state === LINE.dropped) {
      if (index > 0) write();
      found = [];
      place = line.place;
      last = line.state === LINE.changed ? place : lastOfPartition(place, partitionBits);
    }
  }
  if (lines.length > 0) write();
}

function isMarkerAt(line: Line | undefined, key: Uint8Array): boolean {
  return line !== undefined && isMarker(line.place.keyspace, key);
}

function lastOfPartition({ keyspace, hash }: Place, partitionBits: number): Place {
  return { keyspace, hash: hash + (1n << BigInt(64 - partitionBits)) - 1n };
}

/** Partitions with unreadable records, each once. */
class DamageList {
  readonly #partitionBits: number;
  readonly #found = new Map<string, SnapshotDamage>();

  constructor(partitionBits: number) {
    this.#partitionBits = partitionBits;
  }

  note(lines: readonly Line[]): void {
    for (const { state, place } of lines) {
      if (state !== LINE.damaged) continue;
      const partition = this.#partitionBits === 0 ? 0 : Number(place.hash >> BigInt(64 - this.#partitionBits));
      this.#found.set(`${place.keyspace}/${partition}`, { keyspace: place.keyspace, partition });
    }
  }

  get list(): readonly SnapshotDamage[] {
    return [...this.#found.values()];
  }
}

function beyond(since: number, sequence: number): StoreError {
  return new StoreError('ARGUMENT_INVALID', {
    message: `since is ${since}, but this image has only come to ${sequence}`,
    details: { field: 'since' },
  });
}

function outrun(): StoreError {
  return new StoreError('OVERLOADED', {
    message: 'records change faster than the snapshot is read: read it faster, or take it when there are fewer writes',
  });
}
