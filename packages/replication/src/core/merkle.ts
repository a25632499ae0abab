import { keyHash } from '@ferrite/hashing';

/** Children of an inner node, and levels below the root. Both sides of an exchange must have the same. */
const FANOUT_BITS = 4;
const LEVELS = 2;
const FANOUT: number = 2 ** FANOUT_BITS;

/** Leaves of a tree: each stands for an equal slice of its partition's hash range. */
export const MERKLE_BUCKETS: number = FANOUT ** LEVELS;

const BUCKET_BITS = FANOUT_BITS * LEVELS;
const FIRST_BUCKET = (MERKLE_BUCKETS - 1) / (FANOUT - 1);

/**
 * A summary of a set of records, kept in step with it: equal sets have equal trees, in whatever order they came to be. A
 * record counts as its leaf hash ({@link leafHash}); a node is the exclusive or of all leaves below it, so that a change
 * costs one step a level and a leaf leaves as it came. Nodes are numbered from the root, 0, level by level. 2.2 KB.
 *
 * After Merkle, "A Digital Signature Based on a Conventional Encryption Function" (1987), for comparison only: the hash is
 * no defence against a peer that wants to hide a difference.
 */
export class MerkleTree {
  readonly #nodes = new BigUint64Array(FIRST_BUCKET + MERKLE_BUCKETS);

  /** Adds a leaf, or takes it away again. */
  toggle(bucket: number, leaf: bigint): void {
    let node = FIRST_BUCKET + bucket;
    for (;;) {
      this.#nodes[node] = this.#nodes[node]! ^ leaf;
      if (node === 0) return;
      node = (node - 1) >> FANOUT_BITS;
    }
  }

  get root(): bigint {
    return this.#nodes[0]!;
  }

  /** The hashes of a node's children, in order; nothing for a bucket or a number that names no node. */
  children(node: number): readonly bigint[] {
    if (!Number.isInteger(node) || node < 0 || node >= FIRST_BUCKET) return [];
    const first = childOf(node, 0);
    return Array.from(this.#nodes.subarray(first, first + FANOUT));
  }
}

/** The number of a node's child, from 0. */
function childOf(node: number, child: number): number {
  return (node << FANOUT_BITS) + 1 + child;
}

/** The children of `node` whose hashes differ from those the other side told. */
export function differingChildren(tree: MerkleTree, node: number, theirs: readonly bigint[]): readonly number[] {
  return tree.children(node).flatMap((hash, child) => (hash === (theirs[child] ?? 0n) ? [] : [childOf(node, child)]));
}

/** The bucket that a node stands for; `undefined` for an inner node. */
export function bucketOfNode(node: number): number | undefined {
  return node >= FIRST_BUCKET && node < FIRST_BUCKET + MERKLE_BUCKETS ? node - FIRST_BUCKET : undefined;
}

/** The bucket of a key's hash: the bits below those that choose the partition. */
export function bucketOf(hash: bigint, partitionBits: number): number {
  return Number((hash >> BigInt(64 - partitionBits - BUCKET_BITS)) & BigInt(MERKLE_BUCKETS - 1));
}

/** The least hash of a bucket of a partition: buckets are ranges of the scan order. */
export function bucketStart(partition: number, bucket: number, partitionBits: number): bigint {
  const place = BigInt(partition * MERKLE_BUCKETS + bucket);
  return place << BigInt(64 - partitionBits - BUCKET_BITS);
}

/** Where one record at a time is put together with its key. */
let scratch: Uint8Array = new Uint8Array(4096);

/** What a record counts as: XXH64 of its key and its canonical bytes, which hold context, values and expiry (P16). */
export function leafHash(key: Uint8Array, record: Uint8Array): bigint {
  const length = 2 + key.byteLength + record.byteLength;
  if (length > scratch.length) scratch = new Uint8Array(2 * length);
  const bytes = scratch;
  bytes[0] = key.byteLength & 0xff;
  bytes[1] = key.byteLength >> 8;
  bytes.set(key, 2);
  bytes.set(record, 2 + key.byteLength);
  return keyHash(bytes.subarray(0, length));
}
