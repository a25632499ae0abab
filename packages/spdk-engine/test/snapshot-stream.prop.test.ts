import { StoreError } from '@ferrite/errors';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { binding } from '../src/binding.ts';
import { openEngine, verifySnapshot } from '../src/index.ts';
import { SnapshotDecoder, type SnapshotItem } from '../src/snapshot-decoder.ts';
import { BLOCK_CRC_OFFSET, BLOCK_HEAD_BYTES, type SnapshotRecord } from '../src/snapshot-format.ts';
import { SnapshotWriter } from '../src/snapshot-writer.ts';
import { blocksOf, WriteModel } from './snapshot-model.ts';

const MiB = 1024 * 1024;
let blocks: Uint8Array[];
let stream: Buffer;

beforeAll(async () => {
  await using engine = await openEngine({ device: 'memory:', sizeBytes: 64 * MiB });
  await new WriteModel(engine, { keys: 1200 }).writeMany(4000);
  blocks = await blocksOf(engine.snapshot());
  stream = Buffer.concat(blocks);
});

/** The records given out, and how it ended. */
function decode(chunks: readonly Uint8Array[]): { items: SnapshotItem[]; reason: string | undefined } {
  const decoder = new SnapshotDecoder();
  const items: SnapshotItem[] = [];
  try {
    for (const chunk of chunks) for (const item of decoder.decode(chunk)) items.push(item);
    decoder.end();
    return { items, reason: undefined };
  } catch (error) {
    if (!StoreError.is(error)) throw error;
    return { items, reason: error.reason };
  }
}

/** How a damaged stream is refused, and whether what it gave out before was the beginning of the whole. */
function refusal(damaged: readonly Uint8Array[]): { refused: boolean; begins: boolean } {
  const { items, reason } = decode(damaged);
  const whole = decode([stream]).items;
  const text = (item: SnapshotItem | undefined): unknown =>
    item?.kind === 'record' ? Buffer.from(item.record.value).toString('latin1') : item?.kind;
  const begins = [0, items.length >> 1, items.length - 1].every((at) => text(items[at]) === text(whole[at]));
  const refused = reason === 'CHECKSUM_MISMATCH' || (reason === 'FORMAT_UNKNOWN' && items.length === 0);
  return { refused, begins: items.length === 0 || begins };
}

const REFUSED = { refused: true, begins: true };

describe('a snapshot stream', () => {
  it('is read alike in chunks of any size', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 40 });
    const expected = decode([stream]);
    expect(expected.reason).toBeUndefined();
    expect(blocks.length).toBeGreaterThan(3);
    fc.assert(
      fc.property(sizes, (lengths) => {
        const chunks: Uint8Array[] = [];
        for (let at = 0, n = 0; at < stream.length; n += 1) {
          const length = lengths[n % lengths.length] ?? 1;
          chunks.push(stream.subarray(at, at + length));
          at += length;
        }
        const { items, reason } = decode(chunks);
        expect(reason).toBeUndefined();
        expect(items.length).toBe(expected.items.length);
      }),
      { numRuns: 20 },
    );
  });

  it('with one changed byte anywhere is refused', () => {
    const position = fc.oneof(
      fc.nat(stream.length - 1),
      // Heads and trailers are small targets.
      fc.tuple(fc.nat(blocks.length - 1), fc.nat(63)).map(([block, offset]) => {
        const begin = blocks.slice(0, block).reduce((sum, { byteLength }) => sum + byteLength, 0);
        return Math.min(begin + offset, stream.length - 1);
      }),
    );
    fc.assert(
      fc.property(position, fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(stream);
        damaged.writeUInt8((damaged.readUInt8(at) ^ flip) & 0xff, at);
        expect(refusal([damaged])).toEqual(REFUSED);
      }),
      { numRuns: 300 },
    );
  });

  it('with every byte of its heads, header and trailer changed in turn is refused', () => {
    const flip = (block: number, at: number): void => {
      const damaged = blocks.map((each) => Buffer.from(each));
      damaged[block]?.writeUInt8((damaged[block]?.readUInt8(at) ?? 0) ^ 0x10, at);
      expect(decode(damaged).reason).toMatch(/CHECKSUM_MISMATCH|FORMAT_UNKNOWN/);
    };
    for (const block of [0, 1, blocks.length - 1]) {
      for (let at = 0; at < Math.min(64, blocks[block]?.byteLength ?? 0); at += 1) flip(block, at);
    }
  });

  it('that is cut short, lacks blocks, repeats or swaps them, or goes on is refused', () => {
    const index = fc.nat(blocks.length - 1);
    fc.assert(
      fc.property(fc.nat(stream.length - 1), (length) => {
        expect(refusal([stream.subarray(0, length)])).toEqual(REFUSED);
      }),
      { numRuns: 50 },
    );
    fc.assert(
      fc.property(index, index, fc.constantFrom('swap', 'drop', 'repeat'), (a, b, how) => {
        const mixed = [...blocks];
        if (how === 'swap') [mixed[a], mixed[b]] = [mixed[b] ?? new Uint8Array(), mixed[a] ?? new Uint8Array()];
        if (how === 'drop') mixed.splice(a, 1);
        if (how === 'repeat') mixed.splice(b, 0, mixed[a] ?? new Uint8Array());
        fc.pre(how !== 'swap' || a !== b);
        expect(refusal(mixed)).toEqual(REFUSED);
      }),
      { numRuns: 60 },
    );
    expect(refusal([stream, Buffer.from([0])])).toEqual(REFUSED);
    expect(refusal([stream, stream])).toEqual(REFUSED);
  });

  it('made of random bytes is no snapshot', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4000 }), async (bytes) => {
        await expect(verifySnapshot(chunk(bytes))).rejects.toThrow(/FORMAT_UNKNOWN/);
      }),
      { numRuns: 200 },
    );
  });

  it('of a newer version is refused as unknown', () => {
    const newer = Buffer.from(blocks[0] ?? []);
    newer.writeUInt16LE(2, 4);
    const head = binding().crc32c(newer.subarray(0, BLOCK_CRC_OFFSET), 0);
    newer.writeUInt32LE(binding().crc32c(newer.subarray(BLOCK_HEAD_BYTES), head), BLOCK_CRC_OFFSET);
    expect(decode([newer]).reason).toBe('FORMAT_UNKNOWN');
  });

  it('gives back kept hashes that fill more than a block', () => {
    const writer = new SnapshotWriter({ imageId: 'ab'.repeat(16), baseSequence: 9, partitionBits: 3 });
    const kept = BigUint64Array.from({ length: 200_000 }, (_, at) => BigInt(at) << 40n);
    for (const first of [1, 2]) {
      const place = { keyspace: first, hash: 0n };
      writer.range({ keyspace: first, first: place, last: place, kept, records: 0 });
    }
    writer.finish(77, []);
    const { items, reason } = decode(writer.take());
    expect(reason).toBeUndefined();
    for (const item of items.slice(1, 3)) expect(item.kind === 'range' && item.range.kept).toEqual(kept);
  });

  it('gives back every record as it went in', () => {
    const record = fc.record({
      keyspace: fc.constant(5),
      key: fc.uint8Array({ minLength: 1, maxLength: 1024 }),
      value: fc.uint8Array({ maxLength: 200_000 }),
      generation: fc.integer({ min: 0, max: 0xffff_ffff }),
      sequence: fc.nat(Number.MAX_SAFE_INTEGER),
      expiresAtMs: fc.nat(Number.MAX_SAFE_INTEGER),
    });
    const hashes = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 300 });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), hashes, (records: SnapshotRecord[], kept) => {
        const writer = new SnapshotWriter({ imageId: 'ab'.repeat(16), baseSequence: 9, partitionBits: 3 });
        const first = { keyspace: 5, hash: 1n };
        const last = { keyspace: 6, hash: 2n };
        writer.range({ keyspace: 5, first, last, kept: BigUint64Array.from(kept), records: records.length });
        for (const each of records) writer.record(each);
        const report = writer.finish(77, [{ keyspace: 1, partition: 2 }]);
        const { items } = decode(writer.take());
        expect(items.at(-1)).toEqual({ kind: 'trailer', report });
        expect(items[1]).toMatchObject({ range: { first, last, kept: BigUint64Array.from(kept) } });
        const given = items.filter((item) => item.kind === 'record').map((item) => item.record);
        expect(given.length).toBe(records.length);
        for (const [at, { key, value, ...rest }] of given.entries()) {
          const { key: originalKey = key, value: original = key, ...others } = records[at] ?? {};
          expect(rest).toEqual(others);
          expect(Buffer.compare(key, originalKey)).toBe(0);
          expect(Buffer.compare(value, original)).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });
});

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
