import { StoreError } from '@ferrite/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replicasOf } from './replicas.ts';
import { keyspaceNamed, type NodeDescription } from './topology.ts';
import { createKeyspace, deleteKeyspace, formTopology, updateKeyspace } from './topology-keyspaces.ts';
import { parseTopology, serializeTopology } from './topology-text.ts';

const nodes = (count: number): NodeDescription[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `n${i + 1}`,
    host: `h${i + 1}`,
    zone: 'a',
    weight: 1,
    rpc: `127.0.0.1:${7401 + i}`,
    fabric: `127.0.0.1:${7501 + i}`,
  }));

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (StoreError.is(error)) return error.reason;
    throw error;
  }
  return 'accepted';
}

describe('the topology document', () => {
  it('is the same whoever forms it, whatever the order of the members', () => {
    expect(formTopology(nodes(5))).toEqual(formTopology(nodes(5).reverse()));
  });

  it('comes back from its text as it was', () => {
    const document = createKeyspace(formTopology(nodes(4), { partitionBits: 4, adminUrl: 'http://x' }), {
      name: 'orders',
    });
    expect(parseTopology(serializeTopology(document))).toEqual(document);
  });

  it('holds enough replicas for every factor, each once', () => {
    const document = formTopology(nodes(5), { partitionBits: 6 });
    const wider = createKeyspace(document, { name: 'wide', replicationFactor: 5 });
    const wide = keyspaceNamed(wider, 'wide');
    for (let partition = 0; partition < 64; partition++) {
      expect(new Set(replicasOf(wider, wide, partition)).size).toBe(5);
      // Nothing that holds data has moved.
      const present = keyspaceNamed(document, '');
      expect(replicasOf(wider, present, partition)).toEqual(replicasOf(document, present, partition));
      expect(replicasOf(document, present, partition)).toHaveLength(3);
    }
  });

  it('means all members by a factor above their number', () => {
    const document = formTopology(nodes(2), { partitionBits: 2 });
    expect(replicasOf(document, keyspaceNamed(document, 'default'), 0)).toHaveLength(2);
  });

  it('never uses the id of a keyspace twice', () => {
    let document = formTopology(nodes(3), { partitionBits: 2 });
    const ids = new Set(document.keyspaces.map(({ id }) => id));
    for (let i = 0; i < 10; i++) {
      document = createKeyspace(document, { name: 'again' });
      ids.add(keyspaceNamed(document, 'again').id);
      document = deleteKeyspace(document, 'again');
    }
    expect(ids.size).toBe(11);
    expect(document.epoch).toBe(21);
    expect(document.tableEpoch).toBe(1);
  });

  it('refuses what is wrong with a keyspace by name', () => {
    const document = formTopology(nodes(3), { partitionBits: 2 });
    expect(reasonOf(() => createKeyspace(document, { name: 'default' }))).toBe('KEYSPACE_EXISTS');
    for (const name of ['', 'A', 'a b', '../x', 'x'.repeat(64)]) {
      expect(
        reasonOf(() => createKeyspace(document, { name })),
        name,
      ).toBe('ARGUMENT_INVALID');
    }
    for (const replicationFactor of [0, 8, 1.5, Number.NaN]) {
      expect(reasonOf(() => createKeyspace(document, { name: 'x', replicationFactor }))).toBe('ARGUMENT_INVALID');
    }
    expect(reasonOf(() => updateKeyspace(document, { name: 'none' }))).toBe('KEYSPACE_NOT_FOUND');
    expect(reasonOf(() => updateKeyspace(document, { name: 'default', replicationFactor: 2 }))).toBe(
      'ARGUMENT_INVALID',
    );
    expect(reasonOf(() => deleteKeyspace(document, 'default'))).toBe('ARGUMENT_INVALID');
    expect(updateKeyspace(document, { name: 'default', readConsistency: 'ONE' }).keyspaces[0]?.readConsistency).toBe(
      'ONE',
    );
  });

  it('is refused by name, never half-read, when its text is damaged anywhere', () => {
    const text = serializeTopology(formTopology(nodes(3), { partitionBits: 2 }));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('0', '"', '}', '[', 'x', '-', ''), (at, damage) => {
        const broken = text.slice(0, at) + damage + text.slice(at + 1);
        expect(['accepted', 'CONFIG_INVALID']).toContain(reasonOf(() => parseTopology(broken)));
      }),
      { numRuns: 2000 },
    );
    for (const wrong of [
      '',
      'null',
      '[]',
      '{"format":3}',
      text.replace('"n2"', '"n1"'),
      text.replace('"partitionBits":2', '"partitionBits":3'),
    ]) {
      expect(
        reasonOf(() => parseTopology(wrong)),
        wrong,
      ).toBe('CONFIG_INVALID');
    }
  });
});
