import { StoreError } from '@ferrite/errors';
import { actorId, addDot, emptyContext } from '@ferrite/vector-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes, fromLatin1, latin1 } from './bytes.ts';
import { decodeVersions, encodeVersions, type Versions } from './record.ts';
import { decodeSystemState, encodeSystemState, type SystemState } from './system-state.ts';

const actor = actorId('0123456789abcdef0123456789abcdef');

describe('bytes and texts', () => {
  it('law: latin1 keeps every byte, and equal texts are equal bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => {
        expect(fromLatin1(latin1(bytes))).toEqual(bytes);
      }),
    );
  });

  it('law: compareBytes orders as the texts do', () => {
    const some = fc.uint8Array({ maxLength: 6 });
    fc.assert(
      fc.property(some, some, (a, b) => {
        const [x, y] = [latin1(a), latin1(b)];
        expect(Math.sign(compareBytes(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
      }),
    );
  });
});

describe('stored records', () => {
  it('law: come back as they were', () => {
    const values = fc.record({
      bytes: fc.uint8Array({ maxLength: 200 }),
      writtenAtMs: fc.nat(),
      expiresAtMs: fc.nat(),
    });
    fc.assert(
      fc.property(values, (value) => {
        const versions: Versions = {
          context: { entries: [] },
          siblings: [],
        };
        expect(decodeVersions(encodeVersions(versions))).toEqual(versions);
        const dot = { actor, counter: 1 };
        const written: Versions = { context: decodedContext(dot), siblings: [{ dot, value }] };
        expect(decodeVersions(encodeVersions(written))).toEqual(written);
      }),
    );
  });

  it('are refused by name when they are cut short or flipped into nonsense', () => {
    const dot = { actor, counter: 1 };
    const value = { bytes: new Uint8Array(10), writtenAtMs: 1, expiresAtMs: 0 };
    const bytes = encodeVersions({ context: decodedContext(dot), siblings: [{ dot, value }] });
    for (let length = 1; length < bytes.length; length++) {
      expect(() => decodeVersions(bytes.subarray(0, length)), `${length} bytes`).toThrow(StoreError);
    }
  });
});

function decodedContext(dot: { actor: typeof actor; counter: number }): Versions['context'] {
  return addDot(emptyContext, dot);
}

describe("the node's own record", () => {
  const state: SystemState = {
    clusterId: 'c',
    boot: 3,
    incarnation: 'ab',
    formed: true,
    recovering: [1, 5],
    ambiguous: [2],
    boots: { n2: { boot: 9, incarnation: 'cd' } },
    actors: { 7: actor },
  };

  it('comes back as it was', () => {
    expect(decodeSystemState(encodeSystemState(state))).toMatchObject(state);
    const { actors: _, ...open } = state;
    expect(decodeSystemState(encodeSystemState({ ...open, actors: undefined })).actors).toBeUndefined();
  });

  it('is refused as damaged when it cannot be read', () => {
    for (const text of ['', '{', '{"format":2}', 'null', '{"format":1,"actors":{"1":"short"}}']) {
      expect(() => decodeSystemState(fromLatin1(text)), text).toThrow(/CHECKSUM_MISMATCH/);
    }
  });
});
