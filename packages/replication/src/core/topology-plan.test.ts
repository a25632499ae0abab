import { StoreError } from '@ferrite/errors';
import { describe, expect, it } from 'vitest';
import { majority } from './quorum.ts';
import {
  keyspaceNamed,
  type MovePhase,
  type NodeDescription,
  type TopologyChange,
  type TopologyDocument,
} from './topology.ts';
import { createKeyspace, formTopology } from './topology-keyspaces.ts';
import { confirmationsNeeded, moveOf, partitionEpoch, replicaSetsOf, stepMoves } from './topology-moves.ts';
import { commitPlan, describePlan, discardPlan, planChange } from './topology-plan.ts';

const node = (i: number): NodeDescription => {
  return {
    id: `n${i}`,
    host: `h${i}`,
    zone: `z${i}`,
    weight: 1,
    rpc: `127.0.0.1:${7400 + i}`,
    fabric: `127.0.0.1:${7500 + i}`,
  };
};
const cluster = (size: number): TopologyDocument =>
  formTopology(
    Array.from({ length: size }, (_, i) => node(i + 1)),
    { partitionBits: 6 },
  );
const committed = (document: TopologyDocument, ...changes: readonly TopologyChange[]): TopologyDocument => {
  const planned = changes.reduce(planChange, document);
  return commitPlan(planned, planned.plan!.id);
};
/** All moves that are in one of these phases, one phase on. */
const stepped = (document: TopologyDocument, ...phases: readonly MovePhase[]): TopologyDocument =>
  stepMoves(
    document,
    document.moves
      .filter(({ phase }) => phases.includes(phase))
      .map(({ partition, phase }) => ({ partition, from: phase })),
  );
const finished = (document: TopologyDocument): TopologyDocument => {
  let now = document;
  for (let step = 0; step < 16 && now.moves.length > 0; step++)
    now = stepped(now, 'waiting', 'widen', 'read', 'narrow');
  return now;
};
const holdings = (document: TopologyDocument, id: string): number => {
  const index = document.nodes.findIndex((each) => each.id === id);
  return document.table.filter((row) => row.includes(index)).length;
};
function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (StoreError.is(error)) return error.reason;
    throw error;
  }
  return 'accepted';
}

describe('a plan', () => {
  it('changes nothing until it is committed, and can be discarded', () => {
    const before = cluster(3);
    const planned = planChange(before, { type: 'join', node: node(4) });
    expect(planned).toMatchObject({ nodes: before.nodes, table: before.table, moves: [], epoch: 2, tableEpoch: 1 });
    const { plan: _, ...rest } = discardPlan(planned, planned.plan!.id);
    expect(rest).toEqual({ ...before, epoch: 3 });
    expect(reasonOf(() => commitPlan(before, 2))).toBe('TOPOLOGY_CONFLICT');
    expect(reasonOf(() => discardPlan(planned, 99))).toBe('TOPOLOGY_CONFLICT');
  });

  it('says which partitions move, how many bytes that is and how long it takes', () => {
    const planned = planChange(cluster(3), { type: 'join', node: node(4) });
    const report = describePlan(planned, planned.plan!, { bytesOf: () => 1000, bytesPerSecond: 4000 });
    const copied = report.moves.filter(({ to }) => to.length > 0);
    expect(copied).toHaveLength(48);
    expect(copied.every(({ from, to, bytes }) => from.length === 1 && to.join() === 'n4' && bytes === 1000)).toBe(true);
    expect(report).toMatchObject({ bytes: 48_000, seconds: 12 });
  });

  it('gathers changes, so that a partition moves once for all of them', () => {
    const document = finished(
      committed(
        cluster(3),
        { type: 'join', node: node(4) },
        { type: 'join', node: node(5) },
        { type: 'leave', node: 'n1' },
      ),
    );
    expect(document.nodes.map(({ id, state }) => [id, state])).toEqual(
      ['n2', 'n3', 'n4', 'n5'].map((id) => [id, 'active']),
    );
    expect(document.nodes.map(({ id }) => holdings(document, id))).toEqual([48, 48, 48, 48]);
  });

  it('puts a node in the place of another', () => {
    const before = cluster(5);
    const after = finished(committed(before, { type: 'replace', node: 'n2', by: node(9) }));
    const names = (document: TopologyDocument, row: readonly number[]): string[] =>
      row.map((i) => document.nodes[i]!.id);
    expect(after.table.map((row) => names(after, row).sort())).toEqual(
      before.table.map((row) =>
        names(before, row)
          .map((id) => (id === 'n2' ? 'n9' : id))
          .sort(),
      ),
    );
  });

  it('drains a node, which stays, and lets it come back', () => {
    const drained = finished(committed(cluster(4), { type: 'drain', node: 'n2' }));
    expect(holdings(drained, 'n2')).toBe(0);
    expect(drained.nodes[1]).toMatchObject({ id: 'n2', state: 'draining' });
    const back = finished(committed(drained, { type: 'resume', node: 'n2' }));
    expect(holdings(back, 'n2')).toBe(48);
  });

  it('gives a node its share by weight, and spreads by zone after a change of zone', () => {
    const heavy = finished(committed(cluster(6), { type: 'reweight', node: 'n3', weight: 2 }));
    expect(holdings(heavy, 'n3')).toBeGreaterThanOrEqual(52);
    const moved = finished(committed(cluster(4), { type: 'relocate', node: 'n4', zone: 'z1', host: 'h4' }));
    for (const row of moved.table) expect(row).not.toEqual(expect.arrayContaining([0, 3]));
  });

  it('changes a replication factor by moves of all partitions', () => {
    const open = committed(cluster(5), { type: 'factor', keyspace: 'default', replicationFactor: 5 });
    expect(open.moves).toHaveLength(64);
    const some = stepMoves(open, [{ partition: 7, from: 'waiting' }]);
    const keyspace = keyspaceNamed(some, 'default');
    expect(replicaSetsOf(some, keyspace, 7).write.map((set) => set.length)).toEqual([3, 5]);
    expect(reasonOf(() => committed(some, { type: 'leave', node: 'n1' }))).toBe('TOPOLOGY_CONFLICT');
    const after = finished(some);
    expect(keyspaceNamed(after, 'default')).toMatchObject({ replicationFactor: 5 });
    expect(keyspaceNamed(after, 'default')).not.toHaveProperty('nextFactor');
    const narrow = finished(committed(after, { type: 'factor', keyspace: 'default', replicationFactor: 2 }));
    expect(narrow.table.every((row) => row.length === 2)).toBe(true);
  });

  it('is taken over where it is under way: what has begun arrives, what has not begun is forgotten', () => {
    const open = committed(cluster(3), { type: 'join', node: node(4) });
    const [first, second] = open.moves;
    const begun = stepMoves(open, [{ partition: first!.partition, from: 'waiting' }]);
    const again = committed(begun, { type: 'leave', node: 'n4' });
    expect(moveOf(again, first!.partition)).toMatchObject({ phase: 'widen', target: first!.target });
    expect(new Set(moveOf(again, first!.partition)!.onward)).toEqual(new Set([0, 1, 2]));
    expect(moveOf(again, second!.partition)).toBeUndefined();
    const after = finished(again);
    expect(after.nodes.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3']);
  });

  it('is refused when the cluster has changed under it', () => {
    const planned = planChange(cluster(5), { type: 'join', node: node(6) });
    const wider = createKeyspace(planned, { name: 'wide', replicationFactor: 5 });
    expect(reasonOf(() => commitPlan(wider, planned.plan!.id))).toBe('TOPOLOGY_CONFLICT');
    expect(reasonOf(() => describePlan(wider, wider.plan!, { bytesOf: () => 1, bytesPerSecond: 1 }))).toBe(
      'TOPOLOGY_CONFLICT',
    );
    const renewed = planChange(wider, { type: 'join', node: node(7) });
    expect(reasonOf(() => commitPlan(renewed, renewed.plan!.id))).toBe('accepted');
  });

  it.each<[string, TopologyChange]>([
    ['a node that is there already', { type: 'join', node: node(1) }],
    ['an address that is taken', { type: 'join', node: { ...node(7), rpc: '127.0.0.1:7401' } }],
    ['a weight of 0', { type: 'reweight', node: 'n1', weight: 0 }],
    ['the end of a drain that never began', { type: 'resume', node: 'n1' }],
    ['a factor of 8', { type: 'factor', keyspace: 'default', replicationFactor: 8 }],
    ['a zone without a name', { type: 'relocate', node: 'n1', zone: '', host: 'h' }],
  ])('is refused for %s', (_, change) => {
    expect(reasonOf(() => planChange(cluster(3), change))).toBe('ARGUMENT_INVALID');
  });

  it('names a node that is not there', () => {
    expect(reasonOf(() => planChange(cluster(3), { type: 'leave', node: 'n9' }))).toBe('NODE_NOT_FOUND');
  });

  it('never leaves a cluster without nodes', () => {
    const one = planChange(cluster(2), { type: 'leave', node: 'n1' });
    expect(reasonOf(() => planChange(one, { type: 'drain', node: 'n2' }))).toBe('ARGUMENT_INVALID');
  });
});

describe('a move', () => {
  it('raises the epoch of its partition with each phase, and of no other', () => {
    const open = committed(cluster(3), { type: 'join', node: node(4) });
    const { partition } = open.moves[0]!;
    const other = open.moves[1]!.partition;
    const wide = stepMoves(open, [{ partition, from: 'waiting' }]);
    expect(partitionEpoch(wide, partition)).toBe(wide.epoch);
    expect(partitionEpoch(wide, other)).toBe(1);
    expect(wide.tableEpoch).toBe(1);
  });

  it('goes on once, whoever tries, and only from the phase it was seen in', () => {
    const open = committed(cluster(3), { type: 'join', node: node(4) });
    const { partition } = open.moves[0]!;
    const wide = stepMoves(open, [{ partition, from: 'waiting' }]);
    expect(reasonOf(() => stepMoves(wide, [{ partition, from: 'waiting' }]))).toBe('TOPOLOGY_CONFLICT');
    expect(reasonOf(() => stepMoves(wide, [{ partition: 9999, from: 'waiting' }]))).toBe('TOPOLOGY_CONFLICT');
    expect(reasonOf(() => stepMoves(wide, []))).toBe('ARGUMENT_INVALID');
  });

  it('is confirmed when every quorum has one that refuses what is older, and by no more than that takes', () => {
    for (let n = 1; n <= 7; n++) expect(confirmationsNeeded(n) + majority(n)).toBe(n + 1);
  });
});
