import { StoreError } from '@ferrite/errors';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

import { decodeErrorBody, encodeErrorBody } from './error-body.ts';
import { FRAME_PAYLOAD_MAX, FrameDecoder, HEADER_BYTES } from './frame.ts';
import { decodeHeaderBlock, encodeHeaderBlock, headerBlockBytes } from './header-block.ts';
import { decodePreface, encodePreface, PREFACE_BYTES, startsPreface } from './preface.ts';

interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly aux: number;
  readonly stream: number;
  readonly deadline: number;
  readonly payload: Uint8Array;
}

const frame = fc.record({
  type: fc.integer({ min: 1, max: 9 }),
  flags: fc.nat(15),
  aux: fc.nat(0xffff),
  stream: fc.nat(0xffff_ffff),
  deadline: fc.nat(0xffff_ffff),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function encode({ type, flags, aux, stream, deadline, payload }: Seen): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(payload.length);
  bytes[4] = type;
  bytes[5] = flags;
  bytes.writeUInt16LE(aux, 6);
  bytes.writeUInt32LE(stream, 8);
  bytes.writeUInt32LE(deadline, 12);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Feeds `bytes` in pieces that end at `cuts`; gives the frames seen and the error, if any. */
function decode(bytes: Buffer, cuts: readonly number[]): { readonly frames: Seen[]; readonly error: unknown } {
  const frames: Seen[] = [];
  const decoder = new FrameDecoder({
    onFrame: (type, flags, aux, stream, deadline, payload) =>
      frames.push({ type, flags, aux, stream, deadline, payload: new Uint8Array(payload) }),
  });
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  try {
    let at = 0;
    for (const end of [...ends, bytes.length]) {
      decoder.push(bytes.subarray(at, end));
      at = end;
    }
  } catch (error) {
    return { frames, error };
  }
  return { frames, error: undefined };
}

const PREFACE = { version: 1, versionMin: 1, messageBytesMax: 7, inFlightMax: 8, streamWindowBytes: 9 };

function reasonOf(error: unknown): unknown {
  return StoreError.is(error) ? error.reason : error;
}

describe('the frame decoder', () => {
  it('gives back the frames that were written, however the bytes arrive', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), (frames, cuts) => {
        const seen = decode(Buffer.concat(frames.map(encode)), cuts);
        expect(seen.error).toBeUndefined();
        expect(seen.frames).toEqual(frames.map((one) => ({ ...one, payload: new Uint8Array(one.payload) })));
      }),
    );
  });

  it('takes frames a byte at a time', () => {
    const one = { type: 3, flags: 1, aux: 2, stream: 3, deadline: 4, payload: Uint8Array.of(5, 6) };
    const bytes = encode(one);
    expect(decode(bytes, [...bytes.keys()]).frames).toEqual([one]);
  });

  it('answers arbitrary bytes with frames or FRAME_MALFORMED, never otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 6 }), (bytes, cuts) => {
        const { error } = decode(Buffer.from(bytes), cuts);
        expect([undefined, 'FRAME_MALFORMED']).toContain(reasonOf(error));
      }),
      { numRuns: 2000 },
    );
  });

  it('says the same about damaged frames whole and in pieces', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), flips, fc.array(fc.nat()), (frames, bits, cuts) => {
        const bytes = Buffer.concat(frames.map(encode));
        for (const [at, bit] of bits) {
          const index = at % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        }
        const whole = decode(bytes, []);
        const pieces = decode(bytes, cuts);
        expect(pieces.frames).toEqual(whole.frames);
        expect(String(pieces.error)).toBe(String(whole.error));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a declared length beyond the limit before any of it comes', () => {
    const header = encode({ type: 3, flags: 0, aux: 0, stream: 1, deadline: 0, payload: new Uint8Array() });
    header.writeUInt32LE(FRAME_PAYLOAD_MAX + 1);
    expect(decode(header, []).error).toMatchObject({ reason: 'FRAME_MALFORMED' });
  });
});

describe('the other decoders', () => {
  const outcome = (run: () => unknown): unknown => {
    try {
      run();
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  };

  it('answer arbitrary bytes with a value, FRAME_MALFORMED or PROTOCOL_MISMATCH', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (array, code) => {
        const bytes = Buffer.from(array);
        const preface = Buffer.concat([encodePreface(PREFACE).subarray(0, 8), bytes, Buffer.alloc(PREFACE_BYTES)]);
        expect(startsPreface(preface)).toBe(true);
        const outcomes = [
          outcome(() => decodeErrorBody(code, bytes)),
          outcome(() => decodeHeaderBlock(bytes.subarray(0, headerBlockBytes(bytes, 150)))),
          outcome(() => decodePreface(preface)),
        ];
        for (const one of outcomes) expect([undefined, 'FRAME_MALFORMED', 'PROTOCOL_MISMATCH']).toContain(one);
      }),
      { numRuns: 2000 },
    );
  });

  it('give headers back as they were', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/);
    fc.assert(
      fc.property(fc.dictionary(name, value, { minKeys: 1 }), (plain) => {
        const block = encodeHeaderBlock(new Headers(plain)) ?? Buffer.alloc(0);
        expect(headerBlockBytes(Buffer.concat([block, Buffer.from('rest')]), 10_000)).toBe(block.length);
        expect(Object.fromEntries(decodeHeaderBlock(block))).toEqual({ ...plain });
      }),
    );
  });

  it('give an error back as it was, cut short at its limits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), fc.integer({ min: 1, max: 16 }), (message, code) => {
        const source = decodeErrorBody(
          code,
          encodeErrorBody(
            decodeErrorBody(
              code,
              Buffer.concat([Buffer.from([Buffer.byteLength(message), 0, 0, 0]), Buffer.from(message)]),
            ),
          ),
        );
        expect(source.code).toBe(code);
        expect(source.rawMessage).toBe(Buffer.from(message).toString());
      }),
    );
  });

  it('read a preface back', () => {
    expect(decodePreface(encodePreface(PREFACE))).toEqual(PREFACE);
    expect(() => decodePreface(encodePreface({ ...PREFACE, version: 9, versionMin: 2 }))).toThrow(/PROTOCOL_MISMATCH/);
    expect(decodePreface(encodePreface({ ...PREFACE, version: 9 })).version).toBe(1);
  });
});
