import type { Listener } from '@ferrite/net';
import type { Liveness, ReplicaNode } from '@ferrite/replication';
import type { Engine } from '@ferrite/spdk-engine';
import { type Metrics, openMetrics } from '@ferrite/telemetry';
import type { ClusterStore } from './adapters/cluster-store.ts';

export interface NodeMetricsSources {
  readonly engine: Engine;
  readonly replica: ReplicaNode;
  readonly topologyStore: ClusterStore;
  readonly fabric: Listener;
  readonly rpc: Listener;
}

/** What `/metrics` shows, read when it is asked for. */
export function nodeMetrics({ engine, replica, topologyStore, fabric, rpc }: NodeMetricsSources): Metrics {
  const metrics = openMetrics();
  const stats = () => engine.stats();
  metrics.gauge('ferrite_engine_records', 'Keys with a record', () => stats().records);
  metrics.gauge('ferrite_engine_free_bytes', 'Bytes of the device still open to appends', () => stats().freeBytes);
  metrics.gauge('ferrite_engine_index_bytes', 'Memory of the index in bytes', () => stats().indexBytes);
  metrics.counter('ferrite_engine_appends_total', 'Appends accepted', () => stats().appends);
  metrics.counter('ferrite_engine_gets_total', 'Reads of single records', () => stats().gets);
  metrics.counter('ferrite_engine_groups_total', 'Write groups, one flush each', () => stats().groups);
  metrics.counter('ferrite_engine_written_bytes_total', 'Bytes written to the device', () => stats().writtenBytes);
  metrics.counter('ferrite_engine_read_bytes_total', 'Bytes read from the device', () => stats().readBytes);
  metrics.counter(
    'ferrite_engine_checksum_failures_total',
    'Reads that failed their checksum',
    () => stats().checksumFailures,
  );
  metrics.gauge('ferrite_partitions_recovering', 'Partitions that do not count in quorums yet', () => {
    const { recovering, ambiguous } = replica.status().recovery;
    return recovering + ambiguous;
  });
  const held = (state: Liveness): number => replica.members().filter((claim) => claim.state === state).length;
  metrics.gauge('ferrite_peers_suspect', 'Other nodes that this one suspects', () => held('suspect'));
  metrics.gauge('ferrite_peers_dead', 'Other nodes that this one holds for dead', () => held('dead'));
  const expiry = () => replica.status().expiry;
  metrics.counter('ferrite_expired_total', 'Expired values made tombstones', () => expiry().converted);
  metrics.gauge(
    'ferrite_clock_off_ms',
    "How far this node's clock was from those of its peers when values were to expire last",
    () => expiry().clockOffMs,
  );
  metrics.counter(
    'ferrite_clock_ahead_writes_total',
    'Writes to records that a clock more than five minutes ahead of this one had stamped',
    () => replica.status().writesFromAhead,
  );
  metrics.gauge('ferrite_topology_epoch', 'Epoch of the topology in force', () => replica.topology().epoch);
  metrics.gauge(
    'ferrite_topology_store_away_ms',
    'For how long the topology store has not answered; 0 while it does',
    () => topologyStore.away()?.forMs ?? 0,
  );
  metrics.gauge('ferrite_rpc_connections', 'Open connections of the RPC port', () => rpc.connections);
  metrics.gauge('ferrite_rpc_in_flight', 'Calls being handled on the RPC port', () => rpc.inFlight);
  metrics.gauge('ferrite_fabric_connections', 'Open connections of the fabric port', () => fabric.connections);
  metrics.gauge('ferrite_fabric_in_flight', 'Calls being handled on the fabric port', () => fabric.inFlight);
  return metrics;
}
