import { StoreError } from '@ferrite/errors';
import { contextOf } from '@ferrite/vector-clock';
import { describe, expect, it } from 'vitest';
import { describeNode, loneContext } from '../testing/lone-context.ts';
import type { Desk } from './desk.ts';
import type { Effect } from './effect.ts';
import { Forgetting } from './forgetting.ts';
import { coordinateRead } from './get-coordinator.ts';
import { fromRanges, Holdings, toRanges } from './holdings.ts';
import { MOVE_TICK_MS } from './limits.ts';
import type { GetResult, Outcome } from './message.ts';
import { Moves } from './moves.ts';
import { encodeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import type { ReplicaContext } from './replica-context.ts';
import type { Standings } from './standings.ts';
import type { MovePhase, TopologyDocument } from './topology.ts';
import { formTopology } from './topology-keyspaces.ts';
import { partitionEpoch, stepMoves } from './topology-moves.ts';
import { commitPlan, planChange } from './topology-plan.ts';

const FORMED = formTopology(['n1', 'n2', 'n3'].map(describeNode), { partitionBits: 0 });
/** The replicas of the partition, in order of preference; n4 takes the place of the last. */
const [FIRST = '', SECOND = '', LAST = ''] = FORMED.table[0]!.map((index) => FORMED.nodes[index]!.id);

/** The one partition on its way to a row with n4. */
function moving(phase: MovePhase): TopologyDocument {
  const planned = planChange(FORMED, { type: 'replace', node: LAST, by: describeNode('n4') });
  let document = commitPlan(planned, planned.plan!.id);
  for (const from of ['waiting', 'widen', 'read', 'narrow'] as const) {
    if (phase === from) break;
    document = stepMoves(document, [{ partition: 0, from }]);
  }
  return document;
}

interface Harness {
  readonly desk: Desk;
  readonly node: ReplicaContext;
  readonly moves: Moves;
  readonly standings: Standings;
  /** Lets a tick pass and answers its questions: which epoch each peer confirms (none: it says nothing), and who is a member. */
  tick(epochs: Readonly<Record<string, number>>, members?: readonly string[]): readonly Effect[];
}

function open(self: string, document: TopologyDocument): Harness {
  const node = loneContext({ self, topology: () => document });
  const { desk, standings } = node;
  const holdings = new Holdings({ ...node, persist: (then) => then(), mend: () => {} }, undefined);
  holdings.adopt();
  const moves = new Moves(node, holdings);
  moves.run();
  return {
    desk,
    node,
    moves,
    standings,
    tick(epochs, members = []) {
      const timer = Array.from(desk.take()).find((each) => each.type === 'timer' && each.afterMs === MOVE_TICK_MS);
      desk.deliver({ type: 'timer', ticket: timer?.type === 'timer' ? timer.ticket : 0 });
      const asked = Array.from(desk.take());
      for (const effect of asked) {
        if (effect.type !== 'send' || effect.request.type !== 'confirm') continue;
        const epoch = epochs[effect.to];
        const value = {
          type: 'confirmed',
          epoch: epoch ?? 0,
          members: members.includes(effect.to) ? [0] : [],
        } as const;
        const outcome: Outcome<typeof value> =
          epoch === undefined ? { ok: false, error: new StoreError('FABRIC_UNAVAILABLE') } : { ok: true, value };
        desk.deliver({ type: 'peer', ticket: effect.ticket, outcome, tookMs: 1 });
      }
      const later = Array.from(desk.take());
      return [...asked.filter(({ type }) => type !== 'send'), ...later];
    },
  };
}

const steps = (effects: readonly Effect[]): readonly string[] =>
  effects.flatMap((effect) => (effect.type === 'stepMoves' ? effect.steps.map(({ from }) => from) : []));

describe('a move (INV-REPL-29)', () => {
  it('begins at once, if few others are under way', () => {
    expect(steps(open(FIRST, moving('waiting')).tick({}))).toEqual(['waiting']);
  });

  it('is read from the new replicas when enough of both sets have confirmed, and the newcomer has merged', () => {
    const document = moving('widen');
    const { epoch } = document;
    const all = { [SECOND]: epoch, [LAST]: epoch, n4: epoch };
    expect(steps(open(FIRST, document).tick(all, ['n4']))).toEqual(['widen']);
    // The newcomer merges still.
    expect(steps(open(FIRST, document).tick(all))).toEqual([]);
    // It has merged, and not yet taken up this version.
    expect(steps(open(FIRST, document).tick({ ...all, n4: epoch - 1 }, ['n4']))).toEqual([]);
    // Two of the three old ones suffice, one does not.
    expect(steps(open(FIRST, document).tick({ [SECOND]: epoch, n4: epoch }, ['n4']))).toEqual(['widen']);
    expect(steps(open(FIRST, document).tick({ [SECOND]: epoch - 1, [LAST]: epoch - 1, n4: epoch }, ['n4']))).toEqual(
      [],
    );
  });

  it('is written to the new replicas alone when enough of both sets have confirmed', () => {
    const document = moving('read');
    const { epoch } = document;
    expect(steps(open(FIRST, document).tick({ [SECOND]: epoch }))).toEqual(['read']);
    expect(steps(open(FIRST, document).tick({ n4: epoch }))).toEqual([]);
  });

  it('is done when every new replica has confirmed', () => {
    const document = moving('narrow');
    const { epoch } = document;
    expect(steps(open(FIRST, document).tick({ [SECOND]: epoch, n4: epoch }))).toEqual(['narrow']);
    expect(steps(open(FIRST, document).tick({ [SECOND]: epoch, [LAST]: epoch }))).toEqual([]);
  });

  it('is moved on by its first live replica, and by the next one when that is dead', () => {
    const document = moving('waiting');
    const second = open(SECOND, document);
    expect(steps(second.tick({}))).toEqual([]);
    const alone = open(SECOND, document);
    alone.node.peers.setLiveness(FIRST, 'dead');
    expect(steps(alone.tick({}))).toEqual(['waiting']);
  });

  it('lets a newcomer merge only when enough replicas have confirmed that they write to it', () => {
    const document = moving('widen');
    const newcomer = open('n4', document);
    expect(newcomer.standings.of(0)).toBe('recovering');
    newcomer.tick({ [FIRST]: document.epoch });
    expect(newcomer.moves.waits(0)).toMatch(/have yet to confirm/);
    const heard = open('n4', document);
    heard.tick({ [FIRST]: document.epoch, [SECOND]: document.epoch });
    expect(heard.moves.waits(0)).toBe('');
  });
});

it('a quorum read while a partition moves is brought to a quorum of the new replicas too (INV-REPL-28)', () => {
  const { node, desk } = open('x', moving('widen'));
  const outcomes: Outcome<GetResult>[] = [];
  const at = new RecordKey(1, new Uint8Array([1]));
  // Of the two that answer only one is among the new replicas.
  node.peers.setLiveness(SECOND, 'dead');
  coordinateRead(node, { at, consistency: 'QUORUM', timeoutMs: 5_000 }, (outcome) => outcomes.push(outcome));
  const actor = '0'.repeat(32) as Versions['context']['entries'][number]['actor'];
  const record = encodeVersions({ context: contextOf([{ actor, counter: 1 }]), siblings: [] });
  for (const effect of Array.from(desk.take())) {
    if (effect.type !== 'send' || effect.request.type !== 'read') continue;
    const value = { type: 'read', record, standing: 'member' } as const;
    desk.deliver({ type: 'peer', ticket: effect.ticket, outcome: { ok: true, value }, tookMs: 1 });
  }
  const writes = Array.from(desk.take()).flatMap((each) =>
    each.type === 'send' && each.request.type === 'write' ? [each] : [],
  );
  expect(outcomes).toEqual([]);
  expect(writes.map(({ to }) => to)).toEqual(['n4']);
  desk.deliver({
    type: 'peer',
    ticket: writes[0]!.ticket,
    outcome: { ok: true, value: { type: 'write', durable: true } },
    tookMs: 1,
  });
  expect(outcomes.map(({ ok }) => ok)).toEqual([true]);
});

it('nothing of a partition is forgotten while it moves (INV-REPL-16)', () => {
  const blockedBy = (document: TopologyDocument): string => {
    const { node } = open(FIRST, document);
    let blocked = 'no answer';
    const request = {
      type: 'forget',
      epoch: partitionEpoch(document, 0),
      partition: 0,
      records: [],
      drop: false,
    } as const;
    new Forgetting(node, 1e9).answer(request, (response) => {
      blocked = response.blocked;
    });
    // What is flushed after the tombstones tells that they are.
    for (const effect of Array.from(node.desk.take())) {
      if (effect.type !== 'append') continue;
      node.desk.deliver({ type: 'accepted', ticket: effect.ticket, refused: undefined });
      node.desk.deliver({ type: 'durable', ticket: effect.ticket, failed: undefined });
    }
    return blocked;
  };
  expect(blockedBy(FORMED)).toBe('');
  for (const phase of ['waiting', 'widen', 'read', 'narrow'] as const)
    expect(blockedBy(moving(phase))).toBe('the partition is moving');
});

it('ranges of numbers are read as they were written', () => {
  for (const numbers of [[], [0], [0, 1, 2, 3], [5, 7, 8, 1023], [3, 1, 2]]) {
    expect([...fromRanges(toRanges(numbers))]).toEqual([...numbers].sort((a, b) => a - b));
  }
  expect(toRanges([0, 1, 2, 3, 7])).toBe('0-3 7');
});
