import { durationMs } from '@bufbuild/protobuf/wkt';
import { ConflictPolicy, type GetTopologyResponse, type Keyspace as WireKeyspace, ZoneRule } from '@ferrite/proto/kv';
import type { Consistency, Durability } from './types.ts';
import { fromWireConsistency, fromWireDurability } from './wire.ts';

export interface Member {
  readonly id: string;
  readonly host: string;
  readonly zone: string;
  readonly weight: number;
  /** `active`, `joining`, `draining` or `removed`. */
  readonly state: string;
  /** HOST:PORT. */
  readonly rpcAddress: string;
  /** HOST:PORT. */
  readonly fabricAddress: string;
  /** What the node that told of it holds of it: `alive`, `suspect` or `dead`; empty if it does not say. */
  readonly liveness: string;
}

export interface Keyspace {
  readonly name: string;
  /** Never used twice. */
  readonly id: number;
  readonly replicationFactor: number;
  readonly conflictPolicy: 'siblings' | 'lww';
  readonly readConsistency: Consistency;
  readonly writeConsistency: Consistency;
  readonly durability: Durability;
  /** How long a value lives whose put does not say, in milliseconds; 0: for good. */
  readonly ttlMs: number;
  readonly sloppyWrites: boolean;
  /** Whether two replicas may share a zone: `prefer` where there are too few, `require` never. */
  readonly zoneRule: 'prefer' | 'require';
}

/** The cluster as one document: who is in it and which partition lives where. */
export interface Topology {
  readonly epoch: bigint;
  readonly clusterId: string;
  readonly members: readonly Member[];
  /** log2 of the number of partitions. */
  readonly partitionBits: number;
  /** Per partition the indexes of its replicas in `members`, in order of preference. */
  readonly partitions: readonly (readonly number[])[];
  readonly keyspaces: readonly Keyspace[];
  /** Where the admin API listens; empty if unknown. */
  readonly adminUrl: string;
}

export function toTopology(response: GetTopologyResponse): Topology {
  return {
    epoch: response.epoch,
    clusterId: response.clusterId,
    members: response.members.map(toTopologyMember),
    partitionBits: response.partitionBits,
    partitions: response.partitions.map((partition) => partition.members),
    keyspaces: response.keyspaces.map(toKeyspace),
    adminUrl: response.adminUrl,
  };
}

export function toTopologyMember(member: Member): Member {
  const { id, host, zone, weight, state, rpcAddress, fabricAddress, liveness } = member;
  return { id, host, zone, weight, state, rpcAddress, fabricAddress, liveness };
}

export function toKeyspace(keyspace: WireKeyspace): Keyspace {
  return {
    name: keyspace.name,
    id: keyspace.id,
    replicationFactor: keyspace.replicationFactor,
    conflictPolicy: keyspace.conflictPolicy === ConflictPolicy.LWW ? 'lww' : 'siblings',
    readConsistency: fromWireConsistency(keyspace.defaultReadConsistency),
    writeConsistency: fromWireConsistency(keyspace.defaultWriteConsistency),
    durability: fromWireDurability(keyspace.defaultDurability),
    ttlMs: keyspace.defaultTtl === undefined ? 0 : durationMs(keyspace.defaultTtl),
    sloppyWrites: keyspace.sloppyWrites ?? false,
    zoneRule: keyspace.zoneRule === ZoneRule.REQUIRE ? 'require' : 'prefer',
  };
}

/**
 * The members to ask about a key of a partition: its replicas in the keyspace first, in order of preference, then the rest of the
 * active ones, since every node forwards what it does not hold.
 */
export function routePartition(topology: Topology, keyspace: string, partition: number): readonly Member[] {
  const row = topology.partitions[partition] ?? [];
  const factor = topology.keyspaces.find(({ name }) => name === keyspace)?.replicationFactor ?? row.length;
  const replicas = row.slice(0, factor).flatMap((index) => topology.members[index] ?? []);
  return [...new Set([...replicas, ...routeAny(topology)])];
}

/** The URL of a member's RPC port. */
export function urlOf(member: Member): string {
  return `http://${member.rpcAddress}`;
}

/** The members that may be asked anything. */
export function routeAny(topology: Topology): readonly Member[] {
  return topology.members.filter((member) => member.state !== 'removed' && member.state !== 'joining');
}
