import { StoreError } from '@ferrite/errors';
import { type ActorId, actorId, contains, contextOf, type Dot, emptyContext, writeRecord } from '@ferrite/vector-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeVersions, encodeVersions, mergeVersions, tokenedWrite, type Versions, versionsEqual } from './record.ts';
import { contextHash, remember, TOKENED_WRITES_MAX, type TokenedWrite, withTwins } from './tokened-writes.ts';

const ACTORS: readonly ActorId[] = ['a', 'b', 'c'].map((digit) => actorId(digit.repeat(32)));
const NOTHING = decodeVersions(undefined);

/** Three replicas, coordinators all, that may not have heard of each other when a write is sent again. */
class Trio {
  readonly states: Versions[] = ACTORS.map(() => NOTHING);
  #time = 0;

  /** Sends a write to a replica; `token` 0 is none. Gives its dot, or the one it has there already. */
  send(at: number, token: bigint, context: Versions['context'], value: string): Dot {
    const stored = this.states[at]!;
    const known = token === 0n ? undefined : tokenedWrite(stored, token);
    if (known !== undefined) return known;
    const tokened = stored.tokened ?? [];
    const bytes = { bytes: new TextEncoder().encode(value), writtenAtMs: 0, expiresAtMs: 0 };
    const seen = withTwins(context, tokened);
    const { state, dot } = writeRecord(stored, { actor: ACTORS[at]!, context: seen, value: bytes });
    const write: TokenedWrite = { token, seen: contextHash(context), dots: [dot], time: ++this.#time };
    const all = token === 0n ? tokened : remember(tokened, write);
    this.states[at] = all.length === 0 ? state : { ...state, tokened: all };
    return dot;
  }

  merge(from: number, to: number): void {
    this.states[to] = mergeVersions(this.states[to]!, this.states[from]!);
  }

  /** All replicas exchange all they know until nothing changes. */
  settle(): Versions {
    for (let round = 0; round < 4; round++)
      for (const [from, to] of [
        [0, 1],
        [1, 2],
        [2, 0],
        [0, 1],
        [2, 1],
        [1, 0],
      ] as const)
        this.merge(from, to);
    return this.states[0]!;
  }
}

const step = fc.record({
  at: fc.nat(2),
  from: fc.nat(2),
  kind: fc.constantFrom('send', 'send', 'again', 'replace', 'merge'),
  which: fc.nat(5),
});

function run(steps: readonly { at: number; from: number; kind: string; which: number }[]): Trio {
  const trio = new Trio();
  const sent: { token: bigint; context: Versions['context']; value: string }[] = [];
  for (const [index, { at, from, kind, which }] of steps.entries()) {
    if (kind === 'merge') trio.merge(from, at);
    else if (kind === 'again' && sent.length > 0) {
      const { token, context, value } = sent[which % sent.length]!;
      trio.send(at, token, context, value);
    } else {
      const context = kind === 'replace' ? trio.states[from]!.context : emptyContext;
      const write = { token: BigInt(index + 1), context, value: `v${index}` };
      sent.push(write);
      trio.send(at, write.token, write.context, write.value);
    }
  }
  return trio;
}

function values({ siblings }: Versions): readonly string[] {
  return siblings.map(({ value }) => new TextDecoder().decode(value.bytes)).sort();
}

describe('writes that are sent again', () => {
  const stepsOf = (maxLength: number): fc.Arbitrary<{ at: number; from: number; kind: string; which: number }[]> =>
    fc.array(step, { maxLength });

  it('once: no value is there twice, on any replica, ever', () => {
    fc.assert(
      fc.property(stepsOf(30), (steps) => {
        const trio = run(steps);
        for (const state of [...trio.states, trio.settle()])
          expect(new Set(values(state)).size).toBe(state.siblings.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('survival: where nothing was deleted some value lives, and the replicas agree', () => {
    fc.assert(
      fc.property(stepsOf(30), (steps) => {
        const trio = run(steps);
        const wrote = trio.states.some(({ context }) => context.entries.length > 0);
        const settled = trio.settle();
        expect(settled.siblings.length > 0).toBe(wrote);
        for (const state of trio.states) expect(versionsEqual(state, settled)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('commutativity and idempotence of the merge', () => {
    fc.assert(
      fc.property(stepsOf(20), (steps) => {
        const [a, b] = run(steps).states as [Versions, Versions];
        expect(versionsEqual(mergeVersions(a, b), mergeVersions(b, a))).toBe(true);
        expect(mergeVersions(a, a)).toBe(a);
        const both = mergeVersions(a, b);
        expect(versionsEqual(mergeVersions(both, b), both)).toBe(true);
      }),
    );
  });

  it('knowledge: what a record remembers it covers, and no more than the last sixteen', () => {
    fc.assert(
      fc.property(stepsOf(60), (steps) => {
        for (const { tokened = [], context } of run(steps).states) {
          expect(tokened.length).toBeLessThanOrEqual(TOKENED_WRITES_MAX);
          expect(tokened.every(({ dots }) => dots.every((dot) => contains(context, dot)))).toBe(true);
        }
      }),
    );
  });

  it('round trip: the bytes of a record are those of what they decode to', () => {
    fc.assert(
      fc.property(stepsOf(40), (steps) => {
        for (const state of run(steps).states) {
          const bytes = encodeVersions(state);
          expect(decodeVersions(bytes)).toEqual(state);
          expect(encodeVersions(decodeVersions(bytes))).toEqual(bytes);
        }
      }),
    );
  });

  it('replaces a write under every dot once one of them is replaced', () => {
    const trio = new Trio();
    const first = trio.send(0, 7n, emptyContext, 'mine');
    trio.send(1, 7n, emptyContext, 'mine');
    trio.send(2, 0n, contextOf([first]), 'after');
    expect(values(trio.settle())).toEqual(['after']);
  });

  it('refuses bytes that are cut anywhere before the record begins', () => {
    const trio = new Trio();
    trio.send(0, 7n, emptyContext, 'mine');
    const bytes = encodeVersions(trio.states[0]!);
    for (let end = 1; end < bytes.length; end++)
      expect(() => decodeVersions(bytes.subarray(0, end))).toThrow(StoreError);
  });
});
