import { StoreError } from '@ferrite/errors';
import { PARTITION_BITS_DEFAULT, PARTITION_BITS_MAX } from './limits.ts';

const SHIFTS: readonly bigint[] = Array.from({ length: PARTITION_BITS_MAX + 1 }, (_, bits) => BigInt(64 - bits));

/**
 * The partition of a key: the top `partitionBits` bits (0 to 16) of its hash, from 0 to 2^partitionBits - 1. Keys that
 * are neighbours in hash order share a partition, so that a partition is a range of the engine's index (P18).
 */
export function partitionOf(hash: bigint, partitionBits: number = PARTITION_BITS_DEFAULT): number {
  const shift = SHIFTS[partitionBits];
  if (shift === undefined) {
    throw new StoreError('ARGUMENT_INVALID', {
      message: `partition bits ${partitionBits} are not an integer from 0 to ${PARTITION_BITS_MAX}`,
    });
  }
  return Number(hash >> shift);
}
