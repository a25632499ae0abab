import { contextOf } from '@ferrite/vector-clock';
import { describe, expect, it } from 'vitest';
import { describeNode, loneContext } from '../testing/lone-context.ts';
import type { Effect } from './effect.ts';
import { sendCurrent } from './fenced-write.ts';
import { coordinateRead } from './get-coordinator.ts';
import type { GetResult, Outcome, PeerRequest, PeerResponse, WriteResult } from './message.ts';
import { coordinateWrite } from './put-coordinator.ts';
import { encodeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import type { ReplicaContext } from './replica-context.ts';
import { formTopology } from './topology-keyspaces.ts';
import { partitionEpoch, stepMoves } from './topology-moves.ts';
import { commitPlan, planChange } from './topology-plan.ts';

// The rules of INV-REPL-31 one by one: in a whole cluster they show only when a message and a document cross.

const FORMED = formTopology(['n1', 'n2', 'n3'].map(describeNode), { partitionBits: 0 });
const [FIRST = '', SECOND = '', LAST = ''] = FORMED.table[0]!.map((index) => FORMED.nodes[index]!.id);
const PLANNED = planChange(FORMED, { type: 'replace', node: LAST, by: describeNode('n4') });
/** n4 is about to take the place of the last replica: from now on both have to be written. */
const WIDENED = stepMoves(commitPlan(PLANNED, PLANNED.plan!.id), [{ partition: 0, from: 'waiting' }]);
const [OLD, NEW] = [FORMED, WIDENED].map((document) => partitionEpoch(document, 0)) as [number, number];
const AT = new RecordKey(1, new Uint8Array([1]));
const TIMES = { consistency: 'QUORUM', timeoutMs: 5_000 } as const;

interface Lone {
  readonly node: ReplicaContext;
  /** The document that tells of the move comes to this node. */
  learn(): void;
  /** What is sent, without the timers. */
  sent(): readonly (Extract<Effect, { type: 'send' }> & { readonly request: PeerRequest & { epoch: number } })[];
  answer(ticket: number, value: PeerResponse): void;
}

function open(self: string): Lone {
  let document = FORMED;
  const node = loneContext({ self, topology: () => document });
  const pending: Effect[] = [];
  /** The device takes everything at once. */
  const settle = (): void => {
    for (let effects = Array.from(node.desk.take()); effects.length > 0; effects = Array.from(node.desk.take())) {
      for (const effect of effects) {
        pending.push(effect);
        if (effect.type === 'read')
          node.desk.deliver({ type: 'read', ticket: effect.ticket, outcome: { ok: true, value: undefined } });
        if (effect.type !== 'append') continue;
        node.desk.deliver({ type: 'accepted', ticket: effect.ticket, refused: undefined });
        node.desk.deliver({ type: 'durable', ticket: effect.ticket, failed: undefined });
      }
    }
  };
  return {
    node,
    learn() {
      document = WIDENED;
    },
    sent() {
      settle();
      return pending.splice(0).filter((effect) => effect.type === 'send') as ReturnType<Lone['sent']>;
    },
    answer(ticket, value) {
      node.desk.deliver({ type: 'peer', ticket, outcome: { ok: true, value }, tookMs: 1 });
    },
  };
}

const WRITTEN: PeerResponse = { type: 'write', durable: true };
const actor = '0'.repeat(32) as Versions['context']['entries'][number]['actor'];
const RECORD = encodeVersions({ context: contextOf([{ actor, counter: 1 }]), siblings: [] });
const FOUND: PeerResponse = { type: 'read', record: RECORD, standing: 'member' };

function put({ node }: Lone): Outcome<WriteResult>[] {
  const outcomes: Outcome<WriteResult>[] = [];
  const value = { bytes: new Uint8Array([7]), writtenAtMs: 0, expiresAtMs: 0 };
  const what = { at: AT, value, context: undefined, policy: 'siblings', sloppy: false, memory: false } as const;
  coordinateWrite(node, { ...what, ...TIMES }, (outcome) => outcomes.push(outcome));
  return outcomes;
}

function get({ node }: Lone): Outcome<GetResult>[] {
  const outcomes: Outcome<GetResult>[] = [];
  coordinateRead(node, { at: AT, ...TIMES }, (outcome) => outcomes.push(outcome));
  return outcomes;
}

describe('a write on its way when its partition moves on (INV-REPL-31)', () => {
  it('is acknowledged when quorums of the present replicas have it, not by those it was sent to', () => {
    const lone = open(FIRST);
    const outcomes = put(lone);
    const first = lone.sent();
    expect(first.map(({ to, request }) => [to, request.epoch])).toEqual([
      [SECOND, OLD],
      [LAST, OLD],
    ]);
    lone.learn();
    // Two of the three old replicas have it, and of the new ones, this node alone.
    lone.answer(first[1]!.ticket, WRITTEN);
    expect(outcomes).toEqual([]);
    const again = lone.sent();
    expect(new Set(again.map(({ to }) => to))).toEqual(new Set([SECOND, LAST, 'n4']));
    expect(again.map(({ request }) => request.epoch)).toEqual([NEW, NEW, NEW]);
    lone.answer(again.find(({ to }) => to === LAST)!.ticket, WRITTEN);
    expect(outcomes).toEqual([]);
    lone.answer(again.find(({ to }) => to === 'n4')!.ticket, WRITTEN);
    expect(outcomes).toMatchObject([{ ok: true }]);
  });

  it('that a replica has refused by the new table is sent by it', () => {
    const lone = open(FIRST);
    const outcomes = put(lone);
    const first = lone.sent();
    lone.learn();
    for (const { ticket } of first) lone.answer(ticket, { type: 'fenced', fence: 1 });
    expect(outcomes).toEqual([]);
    const again = lone.sent().filter(({ to }) => to === 'n4');
    expect(again.map(({ request }) => request.epoch)).toEqual([NEW]);
  });

  it('is not taken under the lock of its key by an old route', () => {
    const lone = open(FIRST);
    const outcomes = put(lone);
    lone.learn();
    expect(lone.sent()).toEqual([]);
    expect(outcomes).toMatchObject([{ ok: false, error: { reason: 'TOPOLOGY_STALE', effect: 'none' } }]);
  });
});

describe('a quorum read on its way when its partition moves on (INV-REPL-31)', () => {
  it('begins anew by the present table', () => {
    const lone = open('x');
    const outcomes = get(lone);
    const first = lone.sent();
    expect(first.map(({ request }) => request.epoch)).toEqual([OLD, OLD]);
    lone.learn();
    for (const { ticket } of first) lone.answer(ticket, FOUND);
    expect(outcomes).toEqual([]);
    const again = lone.sent();
    expect(again.map(({ request }) => [request.type, request.epoch])).toEqual([
      ['read', NEW],
      ['read', NEW],
    ]);
  });
});

it('a record that is gone here, because it was dropped, counts nowhere as forgotten (INV-REPL-31)', () => {
  const lone = open(FIRST);
  const outcomes: Outcome<PeerResponse>[] = [];
  const what = { epoch: OLD, keyspaceId: 1, key: AT.key, memory: false };
  sendCurrent(lone.node, SECOND, what, 1_000, (outcome) => outcomes.push(outcome));
  lone.node.records.dropPartition(1, 0, () => {});
  lone.sent();
  expect(outcomes).toMatchObject([{ ok: false, error: { reason: 'TOPOLOGY_STALE' } }]);
});
