import { create } from '@bufbuild/protobuf';
import { keyHash, partitionOf } from '@ferrite/hashing';
import { GetTopologyResponseSchema } from '@ferrite/proto/kv';
import { expect, test } from 'vitest';
import { routeAny, routePartition, toTopology } from './topology.ts';

const STATES = ['active', 'active', 'draining', 'joining', 'removed'];

const topology = toTopology(
  create(GetTopologyResponseSchema, {
    partitionBits: 4,
    members: STATES.map((state, index) => ({ id: `n${index}`, state })),
    partitions: Array.from({ length: 16 }, (_, index) => ({ members: [index % 3, (index + 1) % 3, (index + 2) % 3] })),
    keyspaces: [{ name: 'two', replicationFactor: 2 }],
  }),
);
const ids = (members: readonly { readonly id: string }[]): string[] => members.map(({ id }) => id);

test('a key goes to the replicas of its partition in order of preference, then to the other members', () => {
  for (let number = 0; number < 100; number++) {
    const key = new TextEncoder().encode(`key${number}`);
    const first = partitionOf(keyHash(key), 4) % 3;
    expect(ids(routePartition(topology, 'any', partitionOf(keyHash(key), topology.partitionBits)))).toEqual(
      [first, (first + 1) % 3, (first + 2) % 3].map((n) => `n${n}`),
    );
  }
});

test('a keyspace with fewer copies uses the first replicas only', () => {
  const key = new TextEncoder().encode('key');
  const first = partitionOf(keyHash(key), 4) % 3;
  expect(ids(routePartition(topology, 'two', partitionOf(keyHash(key), topology.partitionBits))).slice(0, 2)).toEqual([
    `n${first}`,
    `n${(first + 1) % 3}`,
  ]);
});

test('members that are not yet or no longer part of the cluster are not asked', () => {
  expect(ids(routeAny(topology))).toEqual(['n0', 'n1', 'n2']);
});
