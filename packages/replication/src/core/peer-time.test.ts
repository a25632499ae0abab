import { StoreError } from '@ferrite/errors';
import { describe, expect, it } from 'vitest';
import { Desk } from './desk.ts';
import { PeerView } from './membership/peer-view.ts';
import { askPeerTime, type PeerTime } from './peer-time.ts';
import type { ReplicaContext } from './replica-context.ts';
import { formTopology } from './topology-keyspaces.ts';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** Asks peers whose clocks are off by so much; `undefined` does not answer. */
function ask(offsMs: readonly (number | undefined)[]): PeerTime | undefined {
  const desk = new Desk();
  const members = Array.from({ length: offsMs.length + 1 }, (_, at) => {
    return { id: `n${at}`, host: `h${at}`, zone: 'z', weight: 1, rpc: 'h:1', fabric: 'h:2' };
  });
  const topology = formTopology(members, { partitionBits: 1 });
  const node = { self: 'n0', desk, peers: new PeerView(), wallMs: () => NOW_MS, topology: () => topology };
  let told: PeerTime | undefined;
  askPeerTime(node as unknown as ReplicaContext, (time) => {
    told = time;
  });
  for (const effect of desk.take()) {
    if (effect.type !== 'send') continue;
    const off = offsMs[Number(effect.to.slice(1)) - 1];
    const greeting = { boot: 1, incarnation: '', epoch: 1, knownBoot: 0, knownIncarnation: '', fence: 1, clientOps: 0 };
    const outcome =
      off === undefined
        ? { ok: false as const, error: new StoreError('FABRIC_UNAVAILABLE') }
        : {
            ok: true as const,
            value: { type: 'hello' as const, nodeId: effect.to, wallMs: NOW_MS + off, ...greeting },
          };
    desk.deliver({ type: 'peer', ticket: effect.ticket, outcome, tookMs: 1 });
  }
  return told;
}

describe('the time that the peers tell', () => {
  it('is their median, and says how far this clock is from it', () => {
    expect(ask([5, -5, HOUR_MS, 7])).toEqual({ wallMs: NOW_MS + 5, offMs: 7 });
    expect(ask([HOUR_MS, HOUR_MS, 0])).toEqual({ wallMs: NOW_MS + HOUR_MS, offMs: HOUR_MS });
  });

  it('is doubted as soon as one of two disagrees: either may be right', () => {
    expect(ask([0, HOUR_MS])?.offMs).toBe(HOUR_MS);
    expect(ask([0, -HOUR_MS])?.offMs).toBe(HOUR_MS);
  });

  it('is unknown while too few answer, and its own where there are no others', () => {
    expect(ask([0, undefined])).toBeUndefined();
    expect(ask([undefined, undefined, 0, 0])).toBeUndefined();
    expect(ask([])).toEqual({ wallMs: NOW_MS, offMs: 0 });
  });
});
