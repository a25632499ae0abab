import { invariant, StoreError } from '@ferrite/errors';
import { blake3 } from '@noble/hashes/blake3.js';
import { malformed, Reader } from './byte-codec.ts';
import { type CausalContext, emptyContext, isEmptyContext } from './causal-context.ts';
import { contextBodyBytes, readContextBody, writeContextBody } from './context-codec.ts';
import { CLUSTER_KEY_BYTES, TOKEN_BYTES_MAX, TOKEN_MAC_BYTES } from './limits.ts';

const VERSION = 1;
const EMPTY = new Uint8Array(0);

/** Bytes before the context in a token: version and MAC. */
const HEADER_BYTES: number = 1 + TOKEN_MAC_BYTES;

/** Bytes before the context in what the MAC covers: version, keyspace id, key hash. */
const BOUND_BYTES: number = 1 + 8 + 8;

/** What a token is good for: one key of one keyspace. */
export interface TokenBinding {
  /** Numeric id of the keyspace, never used twice (P15): an integer from 0 to 2^53 - 1. */
  readonly keyspaceId: number;
  /** XXH64 of the key: 0 to 2^64 - 1. */
  readonly keyHash: bigint;
}

/** Contexts as clients carry them: opaque bytes that only this cluster can make (P4). */
export interface TokenCodec {
  /** The token of `context` for that key, newly allocated; the empty token for the empty context. */
  encode(binding: TokenBinding, context: CausalContext): Uint8Array;
  /**
   * The context in `token` (borrowed). `CONTEXT_INVALID` unless `encode` of a codec with the same cluster key made it for
   * the same key. The empty token is the empty context.
   */
  decode(binding: TokenBinding, token: Uint8Array): CausalContext;
}

/**
 * The token codec of a cluster; `clusterKey` is 32 secret bytes (copied) that all nodes share.
 *
 * ```text
 * token = version (1)  MAC (16 bytes)  body of the context, as in encodeContext
 * MAC   = first 16 bytes of keyed BLAKE3 over version, keyspace id (u64, little endian), key hash (same), body
 * ```
 *
 * BLAKE3: https://github.com/BLAKE3-team/BLAKE3-specs, section 2.3 (`keyed_hash`).
 */
export function createTokenCodec(clusterKey: Uint8Array): TokenCodec {
  if (clusterKey.length !== CLUSTER_KEY_BYTES) {
    throw new StoreError('ARGUMENT_INVALID', {
      message: `the cluster key has ${clusterKey.length} bytes instead of ${CLUSTER_KEY_BYTES}`,
    });
  }
  const macOf = createMac(clusterKey);
  return {
    encode(binding, context) {
      if (isEmptyContext(context)) return EMPTY;
      const token = new Uint8Array(HEADER_BYTES + contextBodyBytes(context));
      invariant(token.length <= TOKEN_BYTES_MAX, 'P4', 'a context has outgrown its token');
      token[0] = VERSION;
      writeContextBody(token, HEADER_BYTES, context);
      token.set(macOf(binding, token.subarray(HEADER_BYTES)), 1);
      return token;
    },

    decode(binding, token) {
      if (token.length === 0) return emptyContext;
      if (token.length <= HEADER_BYTES || token.length > TOKEN_BYTES_MAX || token[0] !== VERSION) {
        throw new StoreError('CONTEXT_INVALID');
      }
      const body = token.subarray(HEADER_BYTES);
      if (!macMatches(macOf(binding, body), token)) throw new StoreError('CONTEXT_INVALID');
      return readAuthentic(body);
    },
  };
}

/** The MAC function of a cluster. Its result is overwritten by the next call: keyed states cost more than the hashing. */
function createMac(clusterKey: Uint8Array): (binding: TokenBinding, body: Uint8Array) => Uint8Array {
  const keyed = blake3.create({ key: clusterKey.slice(), dkLen: TOKEN_MAC_BYTES });
  const state = keyed.clone();
  const mac = new Uint8Array(TOKEN_MAC_BYTES);
  const bound = new Uint8Array(BOUND_BYTES);
  const fields = new DataView(bound.buffer);
  bound[0] = VERSION;
  return (binding, body) => {
    fields.setBigUint64(1, BigInt(binding.keyspaceId), true);
    fields.setBigUint64(9, binding.keyHash, true);
    keyed._cloneInto(state).update(bound).update(body).digestInto(mac);
    return mac;
  };
}

/** Compares without a branch on the bytes, so that timing tells nothing about the right MAC. */
function macMatches(mac: Uint8Array, token: Uint8Array): boolean {
  let difference = 0;
  for (let index = 0; index < TOKEN_MAC_BYTES; index++) {
    difference |= mac[index]! ^ token[1 + index]!;
  }
  return difference === 0;
}

/** The MAC was right; a body that still does not decode comes from a node of another version. */
function readAuthentic(body: Uint8Array): CausalContext {
  try {
    const reader = new Reader(body);
    const context = readContextBody(reader);
    reader.end();
    if (isEmptyContext(context)) throw malformed('the empty context has the empty token');
    return context;
  } catch (cause) {
    if (StoreError.is(cause)) throw new StoreError('CONTEXT_INVALID', { cause });
    throw cause;
  }
}
