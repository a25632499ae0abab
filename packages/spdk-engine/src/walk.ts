import { invariant } from '@ferrite/errors';
import type { StoredRecord } from './object-store.ts';

/** What one step of a walk does (`WalkStep` in `engine/walk.h`). */
export const WALK_STEP = {
  /** A page between two places. */
  plain: 0,
  /** The first page of a watched walk, of which there is one at a time. */
  start: 1,
  /** A further page of it. */
  next: 2,
  /** What has changed behind it. */
  changes: 3,
  /** Forgets it. */
  end: 4,
} as const;

/** States of a line in a page's list (`WalkEntry::State`). */
export const LINE = {
  /** The page's next record. */
  read: 0,
  /** One record with this hash is here, not newer than asked for. */
  kept: 1,
  /** A record that cannot be read back. */
  damaged: 2,
  /** The records of this place follow, if any are left. */
  changed: 3,
  /** The partition that begins with this hash was dropped. */
  dropped: 4,
} as const;

/** Where a key lies in the order of a walk: by keyspace, then by XXH64. */
export interface Place {
  readonly keyspace: number;
  readonly hash: bigint;
}

export const FIRST_PLACE: Place = { keyspace: 0, hash: 0n };
export const LAST_PLACE: Place = { keyspace: 0xffff_ffff, hash: 0xffff_ffff_ffff_ffffn };

/** Negative when `a` comes before `b`. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.keyspace !== b.keyspace) return a.keyspace - b.keyspace;
  return a.hash < b.hash ? -1 : Number(a.hash > b.hash);
}

/** The place before `place`, which is not the first. */
export function placeBefore({ keyspace, hash }: Place): Place {
  return hash === 0n ? { keyspace: keyspace - 1, hash: LAST_PLACE.hash } : { keyspace, hash: hash - 1n };
}

/** What one step asks for; `from` and `to` are included. */
export interface WalkRequest {
  readonly step: number;
  readonly from?: Place;
  readonly to?: Place;
  /** Records up to this sequence are listed rather than read where that can be told. */
  readonly since?: number;
  readonly values?: boolean;
}

/** A record of a walk; its line names the keyspace. */
export type WalkRecord = Omit<StoredRecord, 'keyspace'>;

/** A line of a page's list. */
export interface Line {
  readonly state: number;
  readonly place: Place;
}

/** A page: its list, and the records that the list's `read` lines stand for, in their order. */
export interface WalkPage {
  readonly lines: readonly Line[];
  readonly records: readonly WalkRecord[];
  /** Where the next page starts; absent when there is none. */
  readonly next: Place | undefined;
  /** Every write up to this one had taken effect when the page was chosen, and no other. */
  readonly sequence: number;
  /** Changes behind the walk that are still to be handed out. */
  readonly changes: number;
}

/** What can be walked through. */
export interface Walkable {
  walk(request: WalkRequest): Promise<WalkPage>;
}

const HEAD_BYTES = 32;
const LINE_BYTES = 16;

/** A page from the bytes of its row: `WalkPage::Head` and one `WalkEntry` a line. */
export function walkPageFrom(bytes: Uint8Array, records: readonly WalkRecord[]): WalkPage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: Line[] = [];
  for (let at = HEAD_BYTES; at < bytes.byteLength; at += LINE_BYTES) {
    const place = { keyspace: view.getUint32(at, true), hash: view.getBigUint64(at + 8, true) };
    lines.push({ state: view.getUint32(at + 4, true), place });
  }
  const next = { keyspace: view.getUint32(0, true), hash: view.getBigUint64(8, true) };
  invariant(
    lines.reduce((read, { state }) => read + Number(state === LINE.read), 0) === records.length,
    'INV-ENGINE-TICKET',
    'a walk lists other records than it brought',
  );
  return {
    lines,
    records,
    next: view.getUint32(4, true) === 0 ? undefined : next,
    sequence: Number(view.getBigUint64(16, true)),
    changes: Number(view.getBigUint64(24, true)),
  };
}
