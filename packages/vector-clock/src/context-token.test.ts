import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actorId } from './actor-id.ts';
import { contextOf, emptyContext } from './causal-context.ts';
import { encodeContext } from './context-codec.ts';
import { createTokenCodec } from './context-token.ts';
import { dot } from './dot.ts';
import { TOKEN_BYTES_MAX } from './limits.ts';
import { anyDot, contexts } from './testing/index.ts';

const key = new TextEncoder().encode('whats the Elvish word for friend');
const codec = createTokenCodec(key);
const binding = { keyspaceId: 7, keyHash: 0x0123_4567_89ab_cdefn };
const context = contextOf([dot(actorId('a'.repeat(32)), 1), dot(actorId('b'.repeat(32)), 3)]);
const invalid = expect.objectContaining({ reason: 'CONTEXT_INVALID', effect: 'none' });

describe('a context token', () => {
  it('round trip: decode(encode(context)) = context, for any key of any keyspace', () => {
    const bindings = fc.record({ keyspaceId: fc.maxSafeNat(), keyHash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) });
    fc.assert(
      fc.property(bindings, contexts(anyDot()), (at, some) => {
        expect(codec.decode(at, codec.encode(at, some))).toEqual(some);
      }),
    );
  });

  it('is empty for the empty context, and only then', () => {
    expect(codec.encode(binding, emptyContext)).toHaveLength(0);
    expect(codec.decode(binding, new Uint8Array(0))).toEqual(emptyContext);
    expect(codec.encode(binding, context).length).toBeGreaterThan(0);
  });

  it('carries the keyed BLAKE3 of version, keyspace id, key hash and context', () => {
    const body = encodeContext(context).subarray(1);
    const message = Uint8Array.of(1, 7, 0, 0, 0, 0, 0, 0, 0, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, ...body);
    const mac = blake3(message, { key }).subarray(0, 16);
    expect(codec.encode(binding, context)).toEqual(Uint8Array.of(1, ...mac, ...body));
  });

  it('stands on a BLAKE3 that passes its published vectors', () => {
    // BLAKE3 test_vectors.json: input_len 0 and 1, keyed_hash, with the key above.
    const keyed = (input: Uint8Array): string => bytesToHex(blake3(input, { key, dkLen: 16 }));
    expect(keyed(new Uint8Array(0))).toBe('92b2b75604ed3c761f9d6f62392c8a92');
    expect(keyed(Uint8Array.of(0))).toBe('6d7878dfff2f485635d39013278ae14f');
  });

  it('is refused for another key, another keyspace and by another cluster', () => {
    const token = codec.encode(binding, context);
    const other = createTokenCodec(key.with(31, 0));
    expect(() => codec.decode({ ...binding, keyHash: binding.keyHash ^ 1n }, token)).toThrow(invalid);
    expect(() => codec.decode({ ...binding, keyspaceId: 8 }, token)).toThrow(invalid);
    expect(() => other.decode(binding, token)).toThrow(invalid);
    expect(codec.decode(binding, token)).toEqual(context);
  });

  it('is refused after a change of any one bit, after any cut, and with a byte more', () => {
    const token = codec.encode(binding, context);
    for (let bit = 0; bit < token.length * 8; bit++) {
      const broken = token.with(bit >> 3, token[bit >> 3]! ^ (1 << (bit & 7)));
      expect(() => codec.decode(binding, broken)).toThrow(invalid);
    }
    for (let length = 1; length < token.length; length++) {
      expect(() => codec.decode(binding, token.subarray(0, length))).toThrow(invalid);
    }
    expect(() => codec.decode(binding, Uint8Array.of(...token, 0))).toThrow(invalid);
  });

  it('is refused if it is garbage, or too long to be looked at', () => {
    expect(() => codec.decode(binding, new TextEncoder().encode('garbage'))).toThrow(invalid);
    expect(() => codec.decode(binding, new Uint8Array(TOKEN_BYTES_MAX + 1).fill(1))).toThrow(invalid);
  });

  it('is refused if its MAC is right and its context is not one this version makes', () => {
    const forged = (body: readonly number[]): Uint8Array => {
      const bound = [1, 7, 0, 0, 0, 0, 0, 0, 0, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01];
      return Uint8Array.of(1, ...blake3(Uint8Array.of(...bound, ...body), { key, dkLen: 16 }), ...body);
    };
    expect(() => codec.decode(binding, forged([0xff, 0xff]))).toThrow(invalid);
    expect(() => codec.decode(binding, forged([0]))).toThrow(invalid);
  });

  it('is not affected by what happens to the key bytes later', () => {
    const mine = key.slice();
    const early = createTokenCodec(mine);
    mine.fill(0);
    expect(early.encode(binding, context)).toEqual(codec.encode(binding, context));
  });

  it('needs a cluster key of 32 bytes', () => {
    expect(() => createTokenCodec(new Uint8Array(31))).toThrow(expect.objectContaining({ reason: 'ARGUMENT_INVALID' }));
  });
});
