import { StoreError } from '@ferrite/errors';
import { emptyRecord } from '@ferrite/vector-clock';
import { describe, expect, it } from 'vitest';
import { describeNode, loneContext } from '../testing/lone-context.ts';
import type { Desk } from './desk.ts';
import type { Effect } from './effect.ts';
import { coordinateRead } from './get-coordinator.ts';
import type { PeerView } from './membership/peer-view.ts';
import type { GetResult, Outcome } from './message.ts';
import { encodeVersions } from './record.ts';
import { RecordKey } from './record-key.ts';
import type { ReplicaContext } from './replica-context.ts';
import { formTopology } from './topology-keyspaces.ts';

type Sent = Extract<Effect, { type: 'send' }>;

/** A node that holds none of the keys and coordinates reads of the replicas a, b and c. */
function coordinator(): { node: ReplicaContext; desk: Desk; peers: PeerView } {
  const formed = formTopology(['a', 'b', 'c'].map(describeNode), { partitionBits: 0 });
  const topology = { ...formed, table: [[0, 1, 2]] };
  const node = loneContext({ self: 'x', topology: () => topology });
  return { node, desk: node.desk, peers: node.peers };
}

/** Starts a QUORUM read and gives what it asked for at once. */
function read(node: ReplicaContext): { effects: readonly Effect[]; outcomes: Outcome<GetResult>[] } {
  const outcomes: Outcome<GetResult>[] = [];
  const key = new Uint8Array([1]);
  const at = new RecordKey(1, key);
  coordinateRead(node, { at, consistency: 'QUORUM', timeoutMs: 5_000 }, (outcome) => outcomes.push(outcome));
  return { effects: node.desk.take(), outcomes };
}

const sends = (effects: readonly Effect[]): Sent[] => effects.filter((effect) => effect.type === 'send');
const timers = (effects: readonly Effect[]) => effects.filter((effect) => effect.type === 'timer');
const targets = (effects: readonly Effect[]): string[] => sends(effects).map(({ to }) => to);

function answer(desk: Desk, { ticket }: Sent, tookMs = 1): void {
  const value = { type: 'read', record: encodeVersions(emptyRecord), standing: 'member' } as const;
  desk.deliver({ type: 'peer', ticket, outcome: { ok: true, value }, tookMs });
}

describe('a read', () => {
  it('asks the replicas that are held for alive, and needs as many as ever (INV-SWIM-7)', () => {
    const { node, desk, peers } = coordinator();
    peers.setLiveness('a', 'dead');
    const { effects, outcomes } = read(node);
    expect(targets(effects)).toEqual(['b', 'c']);
    answer(desk, sends(effects)[0]!);
    expect(outcomes).toEqual([]);
    answer(desk, sends(effects)[1]!);
    expect(outcomes).toMatchObject([{ ok: true }]);
  });

  it('asks the dead for what the living cannot give, but does not wait long for them', () => {
    const { node, desk, peers } = coordinator();
    peers.setLiveness('a', 'dead');
    peers.setLiveness('b', 'dead');
    const { effects } = read(node);
    expect(sends(effects).map(({ to, timeoutMs }) => [to, timeoutMs])).toEqual([
      ['c', 5_000],
      ['a', 500],
    ]);
    const error = new StoreError('FABRIC_UNAVAILABLE');
    desk.deliver({ type: 'peer', ticket: sends(effects)[1]!.ticket, outcome: { ok: false, error }, tookMs: 1 });
    expect(targets(desk.take())).toEqual(['b']);
  });

  it('is hedged after the usual time of the peers it waits for, and that is counted against them', () => {
    const { node, desk, peers } = coordinator();
    for (const peer of ['a', 'b']) for (let count = 0; count < 64; count++) peers.answered(peer, 8);
    const { effects } = read(node);
    const hedge = timers(effects).find(({ afterMs }) => afterMs === 8)!;
    answer(desk, sends(effects)[0]!);
    desk.deliver({ type: 'timer', ticket: hedge.ticket });
    expect(targets(desk.take())).toEqual(['c']);
  });

  it('without a hedge to spend waits longer, and then asks one more all the same', () => {
    const { node, desk, peers } = coordinator();
    while (peers.spendHedge());
    const { effects } = read(node);
    desk.deliver({ type: 'timer', ticket: timers(effects).find(({ afterMs }) => afterMs === 50)!.ticket });
    const later = desk.take();
    expect(targets(later)).toEqual([]);
    desk.deliver({ type: 'timer', ticket: timers(later).find(({ afterMs }) => afterMs === 150)!.ticket });
    expect(targets(desk.take())).toEqual(['c']);
  });

  it('that fails to reach a peer held for alive casts doubt on it', () => {
    const { node, desk } = coordinator();
    const { effects } = read(node);
    const error = new StoreError('FABRIC_UNAVAILABLE');
    desk.deliver({ type: 'peer', ticket: sends(effects)[0]!.ticket, outcome: { ok: false, error }, tookMs: 1 });
    expect(desk.take()).toContainEqual({ type: 'doubt', node: 'a' });
  });
});
