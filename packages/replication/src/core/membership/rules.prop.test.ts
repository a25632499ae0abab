import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claim, supersedes } from './claim.ts';
import { ClaimTable } from './claim-table.ts';
import {
  CONFIRMATIONS_MAX,
  HEALTH_SCORE_MAX,
  PERIOD_MS,
  PROBE_TIMEOUT_MS,
  SUSPICION_MAX_MS,
  SUSPICION_MIN_MS,
  TICK_MS,
} from './limits.ts';
import { LocalHealth } from './local-health.ts';
import { ProbeOrder } from './probe-order.ts';
import { Rumours } from './rumours.ts';
import { Suspicion } from './suspicion.ts';

const claims: fc.Arbitrary<Claim> = fc.record({
  node: fc.constant('x'),
  state: fc.constantFrom('alive', 'suspect', 'dead'),
  boot: fc.nat(3),
  incarnation: fc.nat(3),
  by: fc.constantFrom('a', 'b', 'c'),
});

const strip = ({ state, boot, incarnation }: Claim): object => ({ state, boot, incarnation });
const honest = (): boolean => false;

function suspect(by: string): Claim {
  return { node: 'x', state: 'suspect', boot: 1, incarnation: 0, by };
}

describe('claims', () => {
  it('law: of two that differ, exactly one supersedes the other', () => {
    fc.assert(
      fc.property(claims, claims, (a, b) => {
        const same = JSON.stringify(strip(a)) === JSON.stringify(strip(b));
        expect(Number(supersedes(a, b)) + Number(supersedes(b, a))).toBe(same ? 0 : 1);
      }),
    );
  });

  it('law: any order of arrival, with any repetition, ends in the same claim', () => {
    fc.assert(
      fc.property(fc.array(claims, { minLength: 1 }), fc.infiniteStream(fc.nat()), (list, stream) => {
        const end = (order: readonly Claim[]): object => {
          const table = new ClaimTable(honest);
          table.replace(['x']);
          for (const claim of order) table.hear(claim, 0, 1);
          return strip(table.get('x')!);
        };
        const keys = new Map(list.map((claim) => [claim, stream.next().value as number]));
        const shuffled = [...list, ...list].sort((a, b) => keys.get(a)! - keys.get(b)!);
        expect(end(shuffled)).toEqual(end(list));
      }),
    );
  });

  it('about nodes that are not in the topology are ignored', () => {
    const table = new ClaimTable(honest);
    table.replace(['y']);
    expect(table.hear(suspect('a'), 0, 1)).toBe('known');
    expect(table.all().map(({ node }) => node)).toEqual(['y']);
  });
});

describe('a suspicion', () => {
  it('law: never shorter than the minimum nor longer than the maximum, and no accuser counts twice', () => {
    fc.assert(
      fc.property(fc.nat(8), fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e')), (others, accusers) => {
        const suspicion = new Suspicion('a', 0, others, 1);
        let endsAtMs = suspicion.endsAtMs;
        for (const by of accusers) {
          const counted = suspicion.confirm(suspect(by), false);
          expect(counted).toBe(suspicion.endsAtMs < endsAtMs);
          endsAtMs = suspicion.endsAtMs;
        }
        const distinct = new Set(['a', ...accusers]).size - 1;
        const wanted = Math.min(CONFIRMATIONS_MAX, others);
        expect(endsAtMs).toBeGreaterThanOrEqual(SUSPICION_MIN_MS - 1e-9);
        expect(endsAtMs).toBeLessThanOrEqual(SUSPICION_MAX_MS);
        expect(Math.abs(endsAtMs - SUSPICION_MIN_MS) < 1e-9).toBe(distinct >= wanted);
      }),
    );
  });

  it('lasts longer where this node is in poor health, until enough others have come to the same view', () => {
    expect(new Suspicion('a', 0, 0, 3).endsAtMs).toBe(3 * SUSPICION_MIN_MS);
    const suspicion = new Suspicion('a', 0, 2, 3);
    expect(suspicion.endsAtMs).toBe(3 * SUSPICION_MAX_MS);
    suspicion.confirm(suspect('b'), false);
    expect(suspicion.endsAtMs).toBeLessThan(3 * SUSPICION_MAX_MS);
    suspicion.confirm(suspect('c'), false);
    expect(suspicion.endsAtMs).toBe(SUSPICION_MIN_MS);
  });
});

describe('the probe order', () => {
  it('law: every node within three halves of a round of its last probe', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (count, seed) => {
        let state = seed >>> 0;
        const random = (): number => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          return state / 2 ** 32;
        };
        const nodes = Array.from({ length: count }, (_, at) => `n${at}`);
        const order = new ProbeOrder(random);
        order.replace(nodes);
        const last = new Map(nodes.map((node) => [node, 0]));
        for (let turn = 1; turn <= 8 * count; turn++) {
          const node = order.next(() => true)!;
          expect(turn - last.get(node)!).toBeLessThanOrEqual(Math.ceil(1.5 * count));
          last.set(node, turn);
        }
      }),
    );
  });

  it('takes a node in doubt first, and skips the unwanted', () => {
    const order = new ProbeOrder(() => 0.5);
    order.replace(['a', 'b', 'c']);
    order.hurry('c');
    expect(order.next(() => true)).toBe('c');
    expect(order.next((node) => node === 'b')).toBe('b');
    expect(order.next(() => false)).toBeUndefined();
  });
});

describe('rumours', () => {
  const of = (node: string): Claim => ({ ...suspect('a'), node });

  it('law: are told least told first, a bounded number of times', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 5 }), (count, room) => {
        const rumours = new Rumours();
        for (let at = 0; at < count; at++) rumours.add(of(`n${at}`));
        const told = new Map<string, number>();
        for (let message = 0; message < 10_000; message++) {
          const taken = rumours.take(room, count);
          if (taken.length === 0) break;
          expect(taken.length).toBeLessThanOrEqual(room);
          for (const { node } of taken) told.set(node, (told.get(node) ?? 0) + 1);
          const counts = Array.from({ length: count }, (_, at) => told.get(`n${at}`) ?? 0);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
        const enough = Math.ceil(3 * Math.log2(count + 1));
        expect([...told.values()]).toEqual(Array.from({ length: count }, () => enough));
      }),
    );
  });

  it('of one node replace each other', () => {
    const rumours = new Rumours();
    rumours.add(of('x'));
    rumours.take(1, 100);
    expect(rumours.fresh(1)).toBe(false);
    rumours.add({ ...of('x'), state: 'dead' });
    expect(rumours.fresh(1)).toBe(true);
    expect(rumours.take(5, 100).map(({ state }) => state)).toEqual(['dead']);
    expect(rumours.take(5, 100, 'x')).toEqual([]);
  });
});

it('local health stays within its bounds', () => {
  const health = new LocalHealth();
  health.better();
  expect(health.factor).toBe(1);
  health.worse(100);
  expect(health.score).toBe(HEALTH_SCORE_MAX);
});

it('the times fit together: a probe has room for the indirect ones, a suspicion for two periods and a refutation', () => {
  expect(2 * TICK_MS).toBeLessThanOrEqual(PROBE_TIMEOUT_MS);
  expect(2 * PROBE_TIMEOUT_MS + TICK_MS).toBeLessThanOrEqual(PERIOD_MS);
  expect(3 * PERIOD_MS).toBeLessThanOrEqual(SUSPICION_MIN_MS);
  expect(SUSPICION_MIN_MS).toBeLessThan(SUSPICION_MAX_MS);
  // Two periods until the first probe, one until it fails, and the shortest suspicion, in a cluster of three.
  expect(3 * PERIOD_MS + SUSPICION_MIN_MS + 2 * TICK_MS).toBeLessThan(2_000);
});
