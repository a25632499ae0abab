import { StoreError } from '@ferrite/errors';
import type { Engine } from './engine.ts';
import type { Place } from './walk.ts';

const KEY = new TextEncoder().encode('\0ferrite: restored from');

/** Where a restored image says so: one record, which no snapshot carries on. The hash is that of its key. */
export const MARKER_PLACE: Place = { keyspace: 0xffff_ffff, hash: 0x3e5f_b57b_e389_81c8n };

/** What a restored image knows of where it comes from. */
export interface RestoreMarker {
  /** `incomplete` from before the first record until after the last. */
  readonly state: 'incomplete' | 'complete';
  /** Identity of the image that the snapshot was taken of. */
  readonly imageId: string;
  /** complete: what this image holds is what that one held at this sequence. incomplete: at this one it started. */
  readonly sequence: number;
}

/** A marker as it was found. */
export interface FoundMarker extends RestoreMarker {
  /** Nothing was written to the image after it. */
  readonly last: boolean;
}

/** Is this the marker's key? */
export function isMarker(keyspace: number, key: Uint8Array): boolean {
  return keyspace === MARKER_PLACE.keyspace && Buffer.compare(key, KEY) === 0;
}

/** Writes the marker; settles when it is durable. */
export async function writeMarker(engine: Engine, { state, imageId, sequence }: RestoreMarker): Promise<void> {
  const value = new TextEncoder().encode(JSON.stringify({ state, imageId, sequence }));
  await engine.append({ keyspace: MARKER_PLACE.keyspace, key: KEY, value }).durable;
}

/** The marker of an image just opened; nothing when it was never restored to, or when the marker is damaged. */
export async function readMarker(engine: Engine): Promise<FoundMarker | undefined> {
  if (engine.report.records === 0) return undefined;
  try {
    const record = await engine.get(MARKER_PLACE.keyspace, KEY);
    if (record === undefined) return undefined;
    const marker: RestoreMarker = JSON.parse(new TextDecoder().decode(record.value));
    return { ...marker, last: engine.report.nextSequence === record.sequence + 1 };
  } catch (error) {
    if (error instanceof StoreError && error.reason === 'CHECKSUM_MISMATCH') return undefined;
    throw error;
  }
}

/** Throws `CONFIG_INVALID` for an image that a restore has not finished: what it holds is neither old nor new. */
export async function refuseIncomplete(engine: Engine, device: string): Promise<void> {
  const marker = await readMarker(engine);
  if (marker?.state !== 'incomplete') return;
  throw new StoreError('CONFIG_INVALID', {
    message: `${device} holds what an unfinished restore left; run restoreSnapshot on it again with the same snapshot`,
    details: { device },
  });
}
