import { StoreError } from '@ferrite/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { majority } from './quorum.ts';
import { keyspaceNamed, type TopologyChange, type TopologyDocument } from './topology.ts';
import { createKeyspace, formTopology } from './topology-keyspaces.ts';
import { partitionEpoch, type ReplicaSets, replicaSetsOf, stepMoves } from './topology-moves.ts';
import { commitPlan, discardPlan, planChange } from './topology-plan.ts';
import { parseTopology, serializeTopology } from './topology-text.ts';

const node = (i: number, zone: number) => {
  return {
    id: `n${i}`,
    host: `h${i}`,
    zone: `z${zone}`,
    weight: 1,
    rpc: `127.0.0.1:${7400 + i}`,
    fabric: `127.0.0.1:${7500 + i}`,
  };
};

/** What an operator or a node may do next. */
type Deed =
  | { readonly type: 'plan'; readonly change: TopologyChange }
  | { readonly type: 'commit' | 'discard' | 'keyspace' }
  | { readonly type: 'step'; readonly which: number };

const id = fc.integer({ min: 1, max: 9 });
const nodeOf = fc.tuple(id, fc.nat(3)).map(([i, zone]) => node(i, zone));
const change: fc.Arbitrary<TopologyChange> = fc.oneof(
  nodeOf.map((joiner): TopologyChange => ({ type: 'join', node: joiner })),
  id.map((i): TopologyChange => ({ type: 'leave', node: `n${i}` })),
  fc.tuple(id, nodeOf).map(([i, by]): TopologyChange => ({ type: 'replace', node: `n${i}`, by })),
  id.map((i): TopologyChange => ({ type: 'drain', node: `n${i}` })),
  id.map((i): TopologyChange => ({ type: 'resume', node: `n${i}` })),
  fc
    .tuple(id, fc.constantFrom(0.5, 1, 3))
    .map(([i, weight]): TopologyChange => ({ type: 'reweight', node: `n${i}`, weight })),
  fc.tuple(id, fc.nat(3)).map(([i, zone]): TopologyChange => {
    return { type: 'relocate', node: `n${i}`, zone: `z${zone}`, host: `h${i}` };
  }),
  fc.integer({ min: 1, max: 5 }).map((replicationFactor): TopologyChange => {
    return { type: 'factor', keyspace: 'default', replicationFactor };
  }),
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: change.map((each): Deed => ({ type: 'plan', change: each })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Deed>({ type: 'commit' }, { type: 'commit' }, { type: 'discard' }, { type: 'keyspace' }),
  },
  { weight: 8, arbitrary: fc.nat(1000).map((which): Deed => ({ type: 'step', which })) },
);

/** The document after a deed; as it was, if the deed is refused for a reason of the operator's. */
function after(document: TopologyDocument, what: Deed): TopologyDocument {
  try {
    switch (what.type) {
      case 'plan':
        return planChange(document, what.change);
      case 'commit':
        return commitPlan(document, document.plan?.id ?? 0);
      case 'discard':
        return discardPlan(document, document.plan?.id ?? 0);
      case 'keyspace':
        return createKeyspace(document, {
          name: `k${document.nextKeyspaceId}`,
          replicationFactor: 1 + (document.epoch % 5),
        });
      case 'step': {
        const open = document.moves.filter(({ phase }) => phase !== 'done');
        // Some of the moves, from anywhere in the list: their number is arbitrary too.
        const some = open.filter((_, at) => (at * 7 + what.which) % 3 !== 0).slice(0, 1 + (what.which % 5));
        return some.length === 0
          ? document
          : stepMoves(
              document,
              some.map(({ partition, phase }) => ({ partition, from: phase })),
            );
      }
    }
  } catch (error) {
    if (
      StoreError.is(error) &&
      ['ARGUMENT_INVALID', 'NODE_NOT_FOUND', 'TOPOLOGY_CONFLICT', 'OVERLOADED'].includes(error.reason)
    )
      return document;
    throw error;
  }
}

/** Why this text is refused, if it is. */
function reasonOf(text: string): string {
  try {
    parseTopology(text);
    return 'accepted';
  } catch (error) {
    if (StoreError.is(error)) return error.reason;
    throw error;
  }
}

/** True if every quorum of the one set has a member in every quorum of the other. */
function intersect(one: readonly string[], other: readonly string[]): boolean {
  const shared = one.filter((each) => other.includes(each)).length;
  // Quorums that avoid each other best take all that is not shared first.
  const left = Math.max(0, majority(one.length) - (one.length - shared));
  const right = Math.max(0, majority(other.length) - (other.length - shared));
  return left + right > shared;
}

/** True if a read by the one version meets every write that the other acknowledges. */
function meets(read: ReplicaSets, write: ReplicaSets): boolean {
  return write.write.some((set) => intersect(read.read, set));
}

describe('any sequence of changes, plans and steps', { timeout: 120_000 }, () => {
  const deeds = fc.array(deed, { minLength: 1, maxLength: 60 });
  const first = fc.integer({ min: 1, max: 5 }).map((size) =>
    formTopology(
      Array.from({ length: size }, (_, i) => node(i + 1, i % 3)),
      { partitionBits: 3 },
    ),
  );

  it('quorums of one version and the next meet, for every partition and keyspace (P14)', () => {
    fc.assert(
      fc.property(first, deeds, (start, all) => {
        let document = start;
        for (const what of all) {
          const next = after(document, what);
          for (const keyspace of document.keyspaces) {
            for (let partition = 0; partition < document.table.length; partition++) {
              const old = replicaSetsOf(document, keyspace, partition);
              const now = replicaSetsOf(next, keyspaceNamed(next, keyspace.name), partition);
              expect(meets(old, now) && meets(now, old) && meets(now, now)).toBe(true);
              // Where the sets differ, so do the epochs: who has the older one is refused.
              const least = partitionEpoch(document, partition) + (JSON.stringify(old) === JSON.stringify(now) ? 0 : 1);
              expect(partitionEpoch(next, partition)).toBeGreaterThanOrEqual(least);
            }
          }
          document = next;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('comes back from its text at every version, and the versions count on', () => {
    fc.assert(
      fc.property(first, deeds, (start, all) => {
        let document = start;
        for (const what of all) {
          const next = after(document, what);
          expect(next === document || next.epoch === document.epoch + 1).toBe(true);
          expect(parseTopology(serializeTopology(next))).toEqual(JSON.parse(JSON.stringify(next)));
          document = next;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('ends, when all steps are taken, in a table of members only, spread as planned, with every row full', () => {
    fc.assert(
      fc.property(first, deeds, (start, all) => {
        let document = all.reduce(after, start);
        for (let turn = 0; turn < 12 && document.moves.length > 0; turn++) {
          const open = document.moves.filter(({ phase }) => phase !== 'done');
          document = stepMoves(
            document,
            open.map(({ partition, phase }) => ({ partition, from: phase })),
          );
        }
        expect(document.moves).toEqual([]);
        expect(document.nodes.every(({ state }) => state === 'active' || state === 'draining')).toBe(true);
        const holders = document.nodes.filter(({ state }) => state === 'active').length;
        const factor = Math.max(...document.keyspaces.map(({ replicationFactor }) => replicationFactor));
        for (const row of document.table) {
          expect(row.length).toBeGreaterThanOrEqual(Math.min(factor, holders));
          expect(row.every((index) => document.nodes[index]!.state === 'active')).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the text of a document', { timeout: 60_000 }, () => {
  const rich = ((): string => {
    const joined = planChange(
      formTopology(
        [1, 2, 3].map((i) => node(i, i)),
        { partitionBits: 3 },
      ),
      { type: 'join', node: node(4, 4) },
    );
    const open = commitPlan(joined, joined.plan!.id);
    return serializeTopology(planChange(open, { type: 'leave', node: 'n1' }));
  })();

  it('is refused as damaged or read whole, wherever a byte is wrong', () => {
    fc.assert(
      fc.property(
        fc.nat(rich.length - 1),
        fc.constantFrom('0', '9', '"', '}', '[', 'x', '-', '', 'null'),
        (at, damage) => {
          expect(['accepted', 'CONFIG_INVALID']).toContain(reasonOf(rich.slice(0, at) + damage + rich.slice(at + 1)));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('is refused, not half-read, when a field has another type or is missing', () => {
    const values = fc.constantFrom<unknown>(undefined, null, 0, -1, 1.5, 'x', [], {}, [[]], [null], true);
    fc.assert(
      fc.property(fc.array(fc.nat(30), { minLength: 1, maxLength: 5 }), values, (path, value) => {
        const data = JSON.parse(rich) as Record<string, unknown>;
        let at: Record<string, unknown> = data;
        for (const step of path.slice(0, -1)) {
          const keys = Object.keys(at);
          const inner = at[keys[step % keys.length]!];
          if (typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0) at = inner as typeof at;
        }
        const keys = Object.keys(at);
        at[keys[path.at(-1)! % keys.length]!] = value;
        expect(['accepted', 'CONFIG_INVALID']).toContain(reasonOf(JSON.stringify(data)));
      }),
      { numRuns: 300 },
    );
  });

  it('of format 1 is read as it is meant now', () => {
    const { moves: _, ...document } = formTopology(
      [1, 2, 3, 4, 5].map((i) => node(i, i)),
      { partitionBits: 3 },
    );
    const nodes = document.nodes.map(({ state: __, ...each }) => each);
    const table = document.table.map((row) => [...row, ...[0, 1, 2, 3, 4].filter((index) => !row.includes(index))]);
    const read = parseTopology(JSON.stringify({ ...document, format: 1, nodes, table }));
    expect(read).toEqual({ ...document, moves: [] });
  });
});
