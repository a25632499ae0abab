import { StoreError } from '@ferrite/errors';
import { describe, expect, it } from 'vitest';
import { keyspaceNamed, type TopologyDocument } from './topology.ts';
import { createKeyspace, formTopology, updateKeyspace } from './topology-keyspaces.ts';
import { planChange } from './topology-plan.ts';

function cluster(zones: readonly string[]): TopologyDocument {
  const nodes = zones.map((zone, at) => {
    return { id: `n${at}`, host: `h${at}`, zone, weight: 1, rpc: `h${at}:1`, fabric: `h${at}:2` };
  });
  return formTopology(nodes, { partitionBits: 4 });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (StoreError.is(error) && error.reason === 'ARGUMENT_INVALID') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('the zone rule', () => {
  it('"require" is granted where every partition has a zone for each replica', () => {
    const document = createKeyspace(cluster(['a', 'b', 'c']), { name: 'apart', zoneRule: 'require' });
    expect(keyspaceNamed(document, 'apart').zoneRule).toBe('require');
  });

  it('"require" is refused where two replicas share one, and says what is lacking; "prefer" is not', () => {
    const crowded = cluster(['a', 'a', 'b']);
    const refused = refusal(() => createKeyspace(crowded, { name: 'apart', zoneRule: 'require' }));
    expect(refused).toMatch(/requires 3 zones, and 16 of 16 partitions .* nodes in 2/);
    expect(refusal(() => createKeyspace(crowded, { name: 'near' }))).toBe('accepted');
    const pair = createKeyspace(crowded, { name: 'pair', replicationFactor: 2, zoneRule: 'require' });
    expect(keyspaceNamed(pair, 'pair').replicationFactor).toBe(2);
    expect(refusal(() => updateKeyspace(crowded, { name: 'default', zoneRule: 'require' }))).not.toBe('accepted');
  });
});

describe('a plan', () => {
  const apart = createKeyspace(cluster(['a', 'b', 'c', 'd']), { name: 'apart', zoneRule: 'require' });

  it('that would put two replicas of a keyspace that requires zones into one is refused by name', () => {
    const { plan } = planChange(apart, { type: 'leave', node: 'n3' });
    expect(plan?.changes).toHaveLength(1);
    const moved = planChange(apart, { type: 'relocate', node: 'n3', zone: 'a', host: 'h3' });
    expect(moved.plan?.changes).toHaveLength(1);
    expect(refusal(() => planChange(moved, { type: 'relocate', node: 'n2', zone: 'a', host: 'h2' }))).toMatch(
      /keyspace "apart" requires 3 zones, and 16 of 16 partitions .* nodes in 2\. Add zones, ask for fewer replicas/,
    );
  });
});

describe('the replication factor of a keyspace in use', () => {
  it('changes where no partition gets or loses a replica', () => {
    const document = updateKeyspace(cluster(['a', 'b', 'c']), { name: 'default', replicationFactor: 5 });
    expect(keyspaceNamed(document, 'default').replicationFactor).toBe(5);
    expect(document.tableEpoch).toBe(1);
  });

  it('is refused where one would hold nothing yet, or another what a quorum was promised', () => {
    const five = cluster(['a', 'b', 'c', 'd', 'e']);
    expect(refusal(() => updateKeyspace(five, { name: 'default', replicationFactor: 5 }))).toMatch(
      /from 3 to 5 in place: 16 partitions would get a replica that holds nothing yet/,
    );
    expect(refusal(() => updateKeyspace(five, { name: 'default', replicationFactor: 2 }))).toMatch(
      /would lose a replica/,
    );
  });
});

it('changes everything else of a keyspace in place', () => {
  const settings = {
    conflictPolicy: 'lww',
    readConsistency: 'ONE',
    writeConsistency: 'ALL',
    durability: 'MEMORY',
    ttlMs: 5_000,
    sloppyWrites: true,
  } as const;
  const document = updateKeyspace(cluster(['a', 'b', 'c']), { name: 'default', ...settings });
  expect(keyspaceNamed(document, 'default')).toMatchObject(settings);
  expect(refusal(() => updateKeyspace(document, { name: 'default', ttlMs: -1 }))).toMatch(/ttl/);
});
