import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Claim } from '../core/membership/claim.ts';
import { type NodeDescription } from '../core/topology.ts';
import { formTopology } from '../core/topology-keyspaces.ts';
import { MembershipLoop } from './membership-loop.ts';
import type { ReplicaPorts } from './replica-node-api.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const member = (id: string): NodeDescription => ({
  id,
  host: id,
  zone: 'a',
  weight: 1,
  rpc: `${id}:1`,
  fabric: `${id}:2`,
});
const topology = formTopology([member('a'), member('b')], {});
const ports: Pick<ReplicaPorts, 'clock' | 'random' | 'note'> = {
  clock: {
    wallMs: () => 0,
    monotonicMs: () => performance.now(),
    setTimer: (ms, fire) => {
      const timer = setTimeout(fire, ms);
      return () => clearTimeout(timer);
    },
  },
  random: { bytes: (length) => new Uint8Array(length).fill(7) },
};

/** Two loops that deliver to each other, unless `cut`. */
function pair(): { a: MembershipLoop; b: MembershipLoop; reports: string[]; state: { cut: boolean; boot: number } } {
  const reports: string[] = [];
  const state = { cut: false, boot: 1 };
  const loops = new Map<string, MembershipLoop>();
  const open = (self: string, boot: () => number): MembershipLoop => {
    const send = (to: string, message: Parameters<MembershipLoop['hear']>[1]): void => {
      if (!state.cut) setTimeout(() => loops.get(to)?.hear(self, message), 1);
    };
    const report = (claim: Claim): void =>
      void reports.push(`${self}: ${claim.node} ${claim.state} in boot ${claim.boot}`);
    const loop = new MembershipLoop(ports, { send }, { self, topology: () => topology, boot, report });
    loops.set(self, loop);
    return loop;
  };
  return { a: open('a', () => 1), b: open('b', () => state.boot), reports, state };
}

it('tells of a node that falls silent, of its return, and of its next boot', async () => {
  const { a, b, reports, state } = pair();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reports.toSorted()).toEqual(['a: b alive in boot 1', 'b: a alive in boot 1']);

  state.cut = true;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(reports.filter((each) => each.startsWith('a:')).slice(1)).toEqual([
    'a: b suspect in boot 1',
    'a: b dead in boot 1',
  ]);

  state.cut = false;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(a.claims()).toMatchObject([{ node: 'b', state: 'alive', boot: 1 }]);
  state.boot = 2;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(a.claims()).toMatchObject([{ node: 'b', state: 'alive', boot: 2, incarnation: 0 }]);

  a.close();
  b.close();
  const { length } = reports;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reports).toHaveLength(length);
  expect(vi.getTimerCount()).toBe(0);
});
