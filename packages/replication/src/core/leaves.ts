import { keyHash } from '@ferrite/hashing';
import { expectAnswer } from './desk.ts';
import { LEAVES_MAX, TRANSFER_PAGE_BYTES } from './limits.ts';
import { bucketStart, leafHash } from './merkle.ts';
import type { Outcome } from './message.ts';
import { comparePlaces, type Place } from './place.ts';
import type { Leaf } from './repair-message.ts';
import type { ReplicaContext } from './replica-context.ts';

/** A part of a bucket of one partition of a keyspace. */
export interface LeavesRequest {
  readonly keyspaceId: number;
  readonly partition: number;
  readonly bucket: number;
  /** Exclusive start; absent: from the bucket's beginning. */
  readonly after: Place | undefined;
  /** Inclusive end; absent: to the bucket's end. */
  readonly until?: Place | undefined;
}

export interface PageOfLeaves {
  readonly leaves: readonly Leaf[];
  /** Where the rest starts; absent if there is none. */
  readonly next: Place | undefined;
  /** What was read for it. */
  readonly bytes: number;
}

/** The leaves of a bucket, page by page in the order (hash, key), from what this node's engine holds. */
export function readLeaves(
  node: ReplicaContext,
  request: LeavesRequest,
  then: (outcome: Outcome<PageOfLeaves>) => void,
): void {
  const { keyspaceId, partition, bucket } = request;
  const { partitionBits } = node.topology();
  const end = bucketStart(partition, bucket + 1, partitionBits);
  // No key is empty: this is before the first of the bucket.
  const after = request.after ?? { hash: bucketStart(partition, bucket, partitionBits), key: new Uint8Array() };
  const limits = { maxRecords: LEAVES_MAX, maxBytes: TRANSFER_PAGE_BYTES };
  const ticket = node.desk.ask({ type: 'page', keyspaceId, partition, after, ...limits }, (answer) => {
    node.desk.forget(ticket);
    const { outcome } = expectAnswer(answer, 'page');
    if (!outcome.ok) return then(outcome);
    const { records, next } = outcome.value;
    const bytes = records.reduce((sum, { key, value }) => sum + key.byteLength + value.byteLength, 0);
    const isWithin = (place: Place): boolean =>
      place.hash < end && (request.until === undefined || comparePlaces(place, request.until) <= 0);
    const within = records.filter(({ key }) => isWithin({ hash: keyHash(key), key }));
    const leaves = within.map(({ key, value }) => ({ key, hash: leafHash(key, value) }));
    const goesOn = next !== undefined && isWithin(next);
    then({ ok: true, value: { leaves, next: goesOn ? next : undefined, bytes } });
  });
}
