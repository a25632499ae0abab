const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;

/**
 * XXH64 with seed 0, written for reading: the oracle against which the engine's order and partitions are tested.
 * Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */
export function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.byteLength;
  let at = 0;
  let hash: bigint;
  if (length >= 32) {
    const lanes: [bigint, bigint, bigint, bigint] = [u64(PRIME_1 + PRIME_2), PRIME_2, 0n, u64(-PRIME_1)];
    for (; at + 32 <= length; at += 32) {
      for (const lane of [0, 1, 2, 3] as const)
        lanes[lane] = round(lanes[lane], view.getBigUint64(at + 8 * lane, true));
    }
    const [a, b, c, d] = lanes;
    hash = u64(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n));
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * PRIME_1 + PRIME_4);
  } else {
    hash = PRIME_5;
  }
  hash = u64(hash + BigInt(length));
  for (; at + 8 <= length; at += 8) {
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * PRIME_1 + PRIME_4);
  }
  if (at + 4 <= length) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * PRIME_1), 23n) * PRIME_2 + PRIME_3);
    at += 4;
  }
  for (; at < length; at += 1) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint8(at)) * PRIME_5), 11n) * PRIME_1);
  }
  hash = u64((hash ^ (hash >> 33n)) * PRIME_2);
  hash = u64((hash ^ (hash >> 29n)) * PRIME_3);
  return hash ^ (hash >> 32n);
}

/** The partition of a hash: its top `bits` bits. */
export function partitionOf(hash: bigint, bits: number): number {
  return Number(hash >> BigInt(64 - bits));
}

function round(lane: bigint, input: bigint): bigint {
  return u64(rotate(u64(lane + input * PRIME_2), 31n) * PRIME_1);
}

function rotate(value: bigint, by: bigint): bigint {
  return u64((value << by) | (value >> (64n - by)));
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
