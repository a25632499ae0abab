import { StoreError } from '@ferrite/errors';
import { keyHash, partitionOf } from '@ferrite/hashing';
import type { ScanCursor, TopologyDocument } from '@ferrite/replication';

const VERSION = 1;
const KEY_BYTES_MAX = 1024;

/** The token that resumes a scan after `key` (P19): version, keyspace id, key. Partition and hash follow from the key. */
export function encodePageToken(keyspaceId: number, key: Uint8Array): Uint8Array {
  const token = new Uint8Array(5 + key.byteLength);
  token[0] = VERSION;
  new DataView(token.buffer).setUint32(1, keyspaceId);
  token.set(key, 5);
  return token;
}

/** Where the scan resumes. An empty token is the beginning; `ARGUMENT_INVALID` for one that this keyspace never gave. */
export function decodePageToken(
  token: Uint8Array,
  keyspaceId: number,
  topology: TopologyDocument,
): ScanCursor | undefined {
  if (token.byteLength === 0) return undefined;
  const key = token.subarray(5);
  const valid = token[0] === VERSION && key.byteLength >= 1 && key.byteLength <= KEY_BYTES_MAX;
  if (!valid || new DataView(token.buffer, token.byteOffset).getUint32(1) !== keyspaceId) {
    throw new StoreError('ARGUMENT_INVALID', {
      message: 'the page token is not one that a scan of this keyspace gave',
    });
  }
  const hash = keyHash(key);
  return { partition: partitionOf(hash, topology.partitionBits), place: { keyspaceId, hash, key } };
}
