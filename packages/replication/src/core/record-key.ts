import { keyHash, partitionOf } from '@ferrite/hashing';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A key of a keyspace, with what follows from it: each computed once, when it is asked for. The bytes are borrowed. */
export class RecordKey {
  readonly keyspaceId: number;
  readonly key: Uint8Array;
  #hash: bigint | undefined;
  #slot = -1;
  #partition = -1;

  constructor(keyspaceId: number, key: Uint8Array) {
    this.keyspaceId = keyspaceId;
    this.key = key;
  }

  /** XXH64 of the key. */
  get hash(): bigint {
    this.#hash ??= keyHash(this.key);
    return this.#hash;
  }

  /** The partition; a cluster's number of partitions never changes. */
  partition(bits: number): number {
    if (this.#partition < 0) this.#partition = partitionOf(this.hash, bits);
    return this.#partition;
  }

  /**
   * A number that two keys may share, if rarely: for what is kept of a key for a moment and may be kept of two together, such
   * as a lock. FNV-1a (32 bits) of keyspace and key.
   */
  get slot(): number {
    if (this.#slot < 0) {
      let slot = Math.imul(FNV_OFFSET ^ this.keyspaceId, FNV_PRIME);
      const { key } = this;
      for (let at = 0; at < key.length; at++) slot = Math.imul(slot ^ key[at]!, FNV_PRIME);
      this.#slot = slot >>> 0;
    }
    return this.#slot;
  }
}
