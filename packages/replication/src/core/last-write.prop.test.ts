import {
  type ActorId,
  actorId,
  contains,
  type Dot,
  emptyContext,
  emptyRecord,
  mergeRecords,
  timeOf,
  writeRecord,
} from '@ferrite/vector-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Desk } from './desk.ts';
import { chooseLast, lastWrite } from './last-write.ts';
import type { Versions } from './record.ts';
import { WriteClock } from './write-clock.ts';

const ACTORS: readonly ActorId[] = ['a', 'b', 'c'].map((digit) => actorId(digit.repeat(32)));
const NOW_MS = 1_700_000_000_000;

/** Three replicas of one record whose clocks are off by up to an hour either way. */
class Trio {
  readonly states: Versions[] = ACTORS.map(() => emptyRecord);
  readonly writes: { readonly dot: Dot; readonly time: number; readonly covers: Versions['context'] }[] = [];
  readonly #clocks = ACTORS.map(() => new WriteClock(new Desk()));

  write(at: number, context: Versions['context'] | undefined, wallMs: number, value: string | undefined): void {
    const stored = this.states[at]!;
    const bytes = { bytes: new TextEncoder().encode(value), writtenAtMs: 0, expiresAtMs: 0 };
    const node = { clock: this.#clocks[at]!, planted: () => false, wallMs: () => wallMs };
    const request = lastWrite(node, stored, { context, value: value === undefined ? undefined : bytes });
    const { state, dot } = writeRecord(stored, { actor: ACTORS[at]!, ...request });
    this.states[at] = state;
    this.writes.push({ dot, time: timeOf(request.told), covers: request.context });
  }

  merge(from: number, to: number): void {
    this.states[to] = mergeRecords(this.states[to]!, this.states[from]!);
  }

  converged(): Versions {
    return this.states.reduce<Versions>((all, each) => mergeRecords(all, each), emptyRecord);
  }
}

const step = fc.record({
  at: fc.nat(2),
  from: fc.nat(2),
  kind: fc.constantFrom('put', 'put', 'blind', 'blind', 'merge'),
  skewMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
});

describe('the last write by hybrid time', () => {
  it('ascent: a write that replaces another has the later time, however wrong the clocks are', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const trio = new Trio();
        for (const [index, { at, from, kind, skewMs }] of steps.entries()) {
          if (kind === 'merge') trio.merge(from, at);
          else {
            const seen = kind === 'blind' ? undefined : chooseLast(trio.states[from]!).context;
            trio.write(at, seen, NOW_MS + skewMs + index, `v${index}`);
          }
        }
        for (const later of trio.writes) {
          const replaced = trio.writes.filter((each) => each !== later && contains(later.covers, each.dot));
          expect(replaced.every(({ time }) => time < later.time)).toBe(true);
        }
      }),
    );
  });

  it('survival: unless something was deleted, the value shown in the end is the newest of all that were written', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
        const trio = new Trio();
        for (const [index, { at, from, kind, skewMs }] of steps.entries()) {
          if (kind === 'merge') trio.merge(from, at);
          else trio.write(at, kind === 'put' ? trio.states[from]!.context : undefined, NOW_MS + skewMs, `v${index}`);
        }
        const shown = chooseLast(trio.converged()).siblings;
        const newest = Math.max(0, ...trio.writes.map(({ time }) => time));
        expect(shown.map(({ value }) => value.writtenAtMs)).toEqual(trio.writes.length === 0 ? [] : [newest / 1024]);
      }),
    );
  });

  it('a delete removes all that its coordinator holds, and what that has never seen stays', () => {
    const trio = new Trio();
    trio.write(0, undefined, NOW_MS, 'here');
    trio.write(1, undefined, NOW_MS - 60_000, 'elsewhere');
    trio.write(0, emptyContext, NOW_MS, undefined);
    expect(trio.states[0]!.siblings).toEqual([]);
    const { siblings } = chooseLast(trio.converged());
    expect(siblings.map(({ value }) => new TextDecoder().decode(value.bytes))).toEqual(['elsewhere']);
  });

  it('raises an alarm for a record from far ahead, once a minute, and goes on at its own time', () => {
    const desk = new Desk();
    const clock = new WriteClock(desk);
    const far = (NOW_MS + 3_600_000) * 1024;
    expect(clock.next(NOW_MS, far)).toBe(far + 1);
    expect(clock.next(NOW_MS, far + 1)).toBe(far + 2);
    expect(clock.next(NOW_MS, 0)).toBeLessThan((NOW_MS + 1) * 1024);
    expect(clock.aheads).toBe(2);
    expect(desk.take().filter(({ type }) => type === 'note')).toHaveLength(1);
  });
});
