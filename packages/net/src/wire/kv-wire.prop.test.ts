import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  GetRequestSchema,
  type GetResponse,
  GetResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  type Sibling,
} from '@ferrite/proto/kv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeGet,
  decodeGot,
  decodePut,
  decodeWrote,
  encodeGet,
  encodeGot,
  encodePut,
  encodeWrote,
  type GotFields,
  type SiblingFields,
} from './kv-wire.ts';

const RUNS = 2_000;

const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 300 }));
const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 20 }));
const small = fc.integer({ min: 0, max: 127 });
const uint32 = fc.oneof(small, fc.integer({ min: 0, max: 0xffff_ffff }));
const timeMs = fc.oneof(
  fc.constant(-1),
  fc.integer({ min: 0, max: 253_402_300_799_999 }),
  fc.integer({ min: 0, max: 5000 }),
);

const get = fc.record({ keyspace: text, key: bytes, consistency: small, atLeast: bytes });
const put = fc.record({
  keyspace: text,
  key: bytes,
  value: bytes,
  context: bytes,
  consistency: small,
  durability: small,
  idempotencyToken: bytes,
});
const sibling: fc.Arbitrary<SiblingFields> = fc.record({ value: bytes, writtenAtMs: timeMs, expiresAtMs: timeMs });
const got: fc.Arbitrary<GotFields> = fc.record({
  siblings: fc.array(sibling, { maxLength: 4 }),
  context: bytes,
  moreSiblings: fc.boolean(),
});
const wrote = fc.record({ context: bytes, ackedReplicas: uint32, durableReplicas: uint32, hintedReplicas: uint32 });

const view = (message: Uint8Array): Buffer => Buffer.from(message);
const isAscii = (name: string): boolean => Buffer.byteLength(name) === name.length;

function messageOf({ siblings, ...rest }: GotFields): GetResponse {
  const wire = siblings.map(({ value, writtenAtMs, expiresAtMs }) => ({
    value,
    ...(writtenAtMs >= 0 && { writtenAt: timestampFromMs(writtenAtMs) }),
    ...(expiresAtMs >= 0 && { expiresAt: timestampFromMs(expiresAtMs) }),
  }));
  return create(GetResponseSchema, { ...rest, siblings: wire });
}

const fieldsOf = ({ value, writtenAt, expiresAt }: Sibling): SiblingFields => ({
  value,
  writtenAtMs: writtenAt === undefined ? -1 : timestampMs(writtenAt),
  expiresAtMs: expiresAt === undefined ? -1 : timestampMs(expiresAt),
});

/** Views and arrays of bytes alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

describe('the messages of gets and puts by hand', () => {
  it('have the bytes of protobuf-es', () => {
    fc.assert(
      fc.property(get, put, got, wrote, (aGet, aPut, aGot, aWrote) => {
        expect(view(encodeGet(aGet))).toEqual(view(toBinary(GetRequestSchema, create(GetRequestSchema, aGet))));
        expect(view(encodePut(aPut))).toEqual(view(toBinary(PutRequestSchema, create(PutRequestSchema, aPut))));
        expect(view(encodeGot(aGot))).toEqual(view(toBinary(GetResponseSchema, messageOf(aGot))));
        expect(view(encodeWrote(aWrote))).toEqual(view(toBinary(PutResponseSchema, create(PutResponseSchema, aWrote))));
      }),
      { numRuns: RUNS },
    );
  });

  it('are read as they were written, names beyond ASCII by protobuf-es', () => {
    fc.assert(
      fc.property(get, put, got, wrote, (aGet, aPut, aGot, aWrote) => {
        expect(plain(decodeGet(view(encodeGet(aGet))) ?? null)).toEqual(isAscii(aGet.keyspace) ? plain(aGet) : null);
        expect(plain(decodePut(view(encodePut(aPut))) ?? null)).toEqual(isAscii(aPut.keyspace) ? plain(aPut) : null);
        expect(plain(decodeGot(view(encodeGot(aGot))))).toEqual(plain(aGot));
        expect(plain(decodeWrote(view(encodeWrote(aWrote))))).toEqual(plain(aWrote));
      }),
      { numRuns: RUNS },
    );
  });

  it('a message larger than the shared memory has its own', () => {
    const value = new Uint8Array(100_000).fill(7);
    const aGot = { siblings: [{ value, writtenAtMs: 5, expiresAtMs: -1 }], context: value, moreSiblings: true };
    const first = encodeGot(aGot);
    encodeWrote({ context: value.subarray(0, 9), ackedReplicas: 1, durableReplicas: 2, hintedReplicas: 3 });
    expect(plain(decodeGot(view(first)))).toEqual(plain(aGot));
  });

  it('whatever they are read from, they say what protobuf-es says, or nothing', () => {
    // Half of them begin as messages, so that mutations come near to what is valid.
    const begun = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(
          fc.oneof(
            get.map(encodeOwned(encodeGet)),
            put.map(encodeOwned(encodePut)),
            got.map(encodeOwned(encodeGot)),
            wrote.map(encodeOwned(encodeWrote)),
          ),
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
          fc.nat({ max: 3 }),
        )
        .map(([message, changes, cut]) => {
          const changed = Uint8Array.from(message);
          for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
          return changed.subarray(0, Math.max(0, changed.length - cut));
        }),
    );
    let read = 0;
    const agree = (ours: object | undefined, theirs: () => unknown): void => {
      if (ours !== undefined) read++;
      expect(plain(ours)).toEqual(ours === undefined ? undefined : plain(theirs()));
    };
    fc.assert(
      fc.property(begun, (message) => {
        const input = view(message);
        agree(decodeGet(input), () => {
          const { keyspace, key, consistency, atLeast } = fromBinary(GetRequestSchema, message);
          return { keyspace, key, consistency, atLeast };
        });
        agree(decodePut(input), () => {
          const { $typeName: _, $unknown: __, ttl, ...fields } = fromBinary(PutRequestSchema, message);
          return ttl === undefined ? fields : 'a request with a ttl';
        });
        agree(decodeGot(input), () => {
          const { siblings, context, moreSiblings } = fromBinary(GetResponseSchema, message);
          return { siblings: siblings.map(fieldsOf), context, moreSiblings };
        });
        agree(decodeWrote(input), () => {
          const { context, ackedReplicas, durableReplicas, hintedReplicas } = fromBinary(PutResponseSchema, message);
          return { context, ackedReplicas, durableReplicas, hintedReplicas };
        });
      }),
      { numRuns: 4 * RUNS },
    );
    expect(read).toBeGreaterThan(RUNS / 2);
  });
});

function encodeOwned<T>(encode: (fields: T) => Uint8Array): (fields: T) => Uint8Array {
  return (fields) => Uint8Array.from(encode(fields));
}
