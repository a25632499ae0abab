import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  DeleteRequestSchema,
  GetRequestSchema,
  GetResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
} from '@ferrite/proto/kv';
import {
  ReadReplicaRequestSchema,
  ReadReplicaResponseSchema,
  ScanReplicaResponseSchema,
  WriteReplicaRequestSchema,
  WriteReplicaResponseSchema,
} from '@ferrite/proto/replica';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage } from './message-codec.ts';
import { compileEncoder } from './message-encoder.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 40 }));
const uint32 = fc.oneof(fc.nat(200), fc.nat(0xffff_ffff));
const uint64 = fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, 2n ** 53n + 5n), fc.bigInt(0n, 2n ** 64n - 1n));
const time = fc.record({ seconds: fc.bigInt(-(2n ** 40n), 2n ** 40n), nanos: fc.nat(999_999_999) });
const level = fc.nat(3);

/** Any of the fields may be missing, as in what a handler gives. */
const some = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });

/** A message that is encoded differently; null if there is none. */
function different<D extends DescMessage>(desc: D, arbitrary: fc.Arbitrary<unknown>): unknown {
  const same = fc.property(arbitrary, (init) => {
    const message = create(desc, init as MessageInitShape<D>);
    const expected = Buffer.from(toBinary(desc, message));
    return [init, message].every((each) => expected.equals(encodeMessage(desc, each as MessageInitShape<D>)));
  });
  return fc.check(same, { numRuns: 300 }).counterexample;
}

describe('encoding a message gives the bytes of protobuf-es', () => {
  const keyed = { keyspace: text, key: bytes };

  it('for requests of clients', () => {
    expect(
      different(GetRequestSchema, some({ ...keyed, consistency: level, atLeast: bytes, maxStaleness: time })),
    ).toBeNull();
    expect(
      different(
        PutRequestSchema,
        some({
          ...keyed,
          value: bytes,
          context: bytes,
          consistency: level,
          durability: level,
          ttl: time,
          idempotencyToken: bytes,
        }),
      ),
    ).toBeNull();
    expect(
      different(DeleteRequestSchema, some({ ...keyed, context: bytes, consistency: level, durability: level })),
    ).toBeNull();
  });

  it('for answers to clients', () => {
    const sibling = some({ value: bytes, writtenAt: time, expiresAt: time });
    expect(
      different(
        GetResponseSchema,
        some({ siblings: fc.array(sibling, { maxLength: 4 }), context: bytes, moreSiblings: fc.boolean() }),
      ),
    ).toBeNull();
    expect(
      different(
        PutResponseSchema,
        some({ context: bytes, ackedReplicas: uint32, durableReplicas: uint32, hintedReplicas: uint32 }),
      ),
    ).toBeNull();
  });

  it('between replicas', () => {
    const named = { epoch: uint64, keyspaceId: uint32, key: bytes };
    expect(
      different(WriteReplicaRequestSchema, some({ ...named, record: bytes, memory: fc.boolean(), fence: uint64 })),
    ).toBeNull();
    expect(different(WriteReplicaResponseSchema, some({ durable: fc.boolean(), fenced: uint64 }))).toBeNull();
    expect(different(ReadReplicaRequestSchema, some(named))).toBeNull();
    expect(different(ReadReplicaResponseSchema, some({ record: bytes, standing: fc.nat(5) }))).toBeNull();
    expect(
      different(
        ScanReplicaResponseSchema,
        some({
          records: fc.array(some({ keyspaceId: uint32, key: bytes, record: bytes }), { maxLength: 5 }),
          more: fc.boolean(),
          standing: fc.nat(5),
        }),
      ),
    ).toBeNull();
  });

  it('by itself for all of the hot ones, so that none of them takes the long way unseen', () => {
    const hot = [
      GetRequestSchema,
      GetResponseSchema,
      PutRequestSchema,
      PutResponseSchema,
      DeleteRequestSchema,
      WriteReplicaRequestSchema,
      WriteReplicaResponseSchema,
      ReadReplicaRequestSchema,
      ReadReplicaResponseSchema,
    ];
    for (const desc of hot) expect(compileEncoder(desc)?.({}), desc.typeName).toEqual(Buffer.alloc(0));
  });

  it('and leaves to it what is not right, which is then refused', () => {
    const wrong = { keyspaceId: -1 } as MessageInitShape<typeof ReadReplicaRequestSchema>;
    expect(() => encodeMessage(ReadReplicaRequestSchema, wrong)).toThrow('keyspace_id');
  });

  it('with fields that this version does not know', () => {
    const message = create(PutResponseSchema, { ackedReplicas: 2 });
    message.$unknown = [{ no: 99, wireType: 0, data: new Uint8Array([7]) }];
    expect(encodeMessage(PutResponseSchema, message)).toEqual(toBinary(PutResponseSchema, message));
  });
});
