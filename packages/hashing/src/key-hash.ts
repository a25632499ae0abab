import xxhash from 'xxhash-wasm';

const xxh = await xxhash();

/**
 * XXH64 with seed 0 of `key` (borrowed until return), from 0 to 2^64 - 1. Every router, node and the C++ engine compute
 * the same number; it is part of the stored format. Specification:
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */
export function keyHash(key: Uint8Array): bigint {
  return xxh.h64Raw(key);
}

/** XXH64 of the UTF-8 bytes of `text` under `seed` (0 to 2^64 - 1): one independent-looking function per seed. */
export function seededHash(text: string, seed: bigint): bigint {
  return xxh.h64(text, seed);
}
