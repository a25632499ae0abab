import { create } from '@bufbuild/protobuf';
import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';
import { StoreError } from '@ferrite/errors';
import {
  type GetTopologyResponse,
  GetTopologyResponseSchema,
  KeyspaceSchema,
  Consistency as WireConsistency,
  Durability as WireDurability,
  type Keyspace as WireKeyspace,
} from '@ferrite/proto/kv';
import {
  type ConflictPolicy,
  type Consistency,
  type Durability,
  type Keyspace,
  type KeyspaceChoice,
  rowOfReads,
  type TopologyDocument,
  type ZoneRule,
} from '@ferrite/replication';

const CONSISTENCIES: readonly (Consistency | undefined)[] = [undefined, 'ONE', 'QUORUM', 'ALL'];
const DURABILITIES: readonly (Durability | undefined)[] = [undefined, 'DEVICE', 'MEMORY'];
const ZONE_RULES: readonly (ZoneRule | undefined)[] = [undefined, 'prefer', 'require'];
const POLICIES: readonly (ConflictPolicy | undefined)[] = [undefined, 'siblings', 'lww'];

/** Undefined: the keyspace's default. `ARGUMENT_INVALID` for a number this version does not know. */
export function consistencyFromWire(wire: WireConsistency): Consistency | undefined {
  return known(CONSISTENCIES, wire, 'consistency');
}

/** Undefined: the keyspace's default. `ARGUMENT_INVALID` for a number this version does not know. */
export function durabilityFromWire(wire: WireDurability): Durability | undefined {
  return known(DURABILITIES, wire, 'durability');
}

function known<T>(values: readonly (T | undefined)[], wire: number, field: string): T | undefined {
  if (wire >= 0 && wire < values.length) return values[wire];
  throw new StoreError('ARGUMENT_INVALID', { message: `${field} ${wire} is not known to this version` });
}

export function keyspaceToWire(keyspace: Keyspace): WireKeyspace {
  return create(KeyspaceSchema, {
    name: keyspace.name,
    id: keyspace.id,
    replicationFactor: keyspace.replicationFactor,
    conflictPolicy: POLICIES.indexOf(keyspace.conflictPolicy),
    defaultReadConsistency: CONSISTENCIES.indexOf(keyspace.readConsistency),
    defaultWriteConsistency: CONSISTENCIES.indexOf(keyspace.writeConsistency),
    defaultDurability: DURABILITIES.indexOf(keyspace.durability),
    sloppyWrites: keyspace.sloppyWrites,
    zoneRule: ZONE_RULES.indexOf(keyspace.zoneRule),
    ...(keyspace.ttlMs > 0 && { defaultTtl: durationFromMs(keyspace.ttlMs) }),
  });
}

/** Whole milliseconds, rounded up. */
export function ttlFromWire(ttl: Duration): number {
  return Math.ceil(Number(ttl.seconds) * 1_000 + ttl.nanos / 1_000_000);
}

/** What a client chose; fields left at zero take their default. */
export function keyspaceFromWire(wire: WireKeyspace | undefined): KeyspaceChoice {
  if (wire === undefined) throw new StoreError('ARGUMENT_INVALID', { message: 'keyspace is missing' });
  const conflictPolicy = known(POLICIES, wire.conflictPolicy, 'conflict policy');
  const zoneRule = known(ZONE_RULES, wire.zoneRule, 'zone rule');
  const readConsistency = consistencyFromWire(wire.defaultReadConsistency);
  const writeConsistency = consistencyFromWire(wire.defaultWriteConsistency);
  const durability = durabilityFromWire(wire.defaultDurability);
  return {
    name: wire.name,
    ...(wire.replicationFactor !== 0 && { replicationFactor: wire.replicationFactor }),
    ...(wire.sloppyWrites !== undefined && { sloppyWrites: wire.sloppyWrites }),
    ...(zoneRule && { zoneRule }),
    ...(conflictPolicy && { conflictPolicy }),
    ...(readConsistency && { readConsistency }),
    ...(writeConsistency && { writeConsistency }),
    ...(durability && { durability }),
    ...(wire.defaultTtl && { ttlMs: ttlFromWire(wire.defaultTtl) }),
  };
}

/** The document as clients see it; without the partitions if they know this epoch already. */
export function topologyToWire(document: TopologyDocument, knownEpoch: bigint): GetTopologyResponse {
  // Where a partition is on its way, clients are told where it is read now.
  const partitions =
    knownEpoch === BigInt(document.epoch)
      ? []
      : document.table.map((_, partition) => ({ members: [...rowOfReads(document, partition)] }));
  return create(GetTopologyResponseSchema, {
    epoch: BigInt(document.epoch),
    clusterId: document.clusterId,
    members: document.nodes.map(({ id, state, host, zone, weight, rpc, fabric }) => {
      return { id, host, zone, weight, state, rpcAddress: rpc, fabricAddress: fabric };
    }),
    partitionBits: document.partitionBits,
    partitions,
    keyspaces: document.keyspaces.map(keyspaceToWire),
    adminUrl: document.adminUrl,
  });
}
