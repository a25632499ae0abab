import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import type { NodeService, NodeStatusSchema } from '@ferrite/proto/node';
import { createKeyspace, deleteKeyspace, keyspaceNamed, type ReplicaNode, updateKeyspace } from '@ferrite/replication';
import type { Engine } from '@ferrite/spdk-engine';
import type { ClusterStore } from '../adapters/cluster-store.ts';
import { repairToWire, scrubToWire, storeToWire, timeToWire } from '../codec/status.ts';
import { keyspaceFromWire, keyspaceToWire } from '../codec/topology.ts';
import type { NodeConfig } from '../config/schema.ts';
import type { Scrubber } from '../scrubber.ts';
import { VERSION } from '../version.ts';
import { planService } from './plan-service.ts';

const SCRUB_BYTES_MIN = 4096n;

export interface NodeServiceOptions {
  readonly config: NodeConfig;
  readonly replica: ReplicaNode;
  readonly engine: Engine;
  readonly topologyStore: ClusterStore;
  readonly scrubber: Scrubber;
  readonly startedAtMs: number;
}

/** `ferrite.node.v1.NodeService`: the state of this node, and the changes of the topology that only nodes write (P15). */
export function nodeService({
  config,
  replica,
  engine,
  topologyStore,
  scrubber,
  startedAtMs,
}: NodeServiceOptions): ServiceImpl<typeof NodeService> {
  const usedBytes = (): number => Math.max(0, config.storage.size - engine.stats().freeBytes);
  const status = (): MessageInitShape<typeof NodeStatusSchema> => {
    const now = replica.status();
    const { recovery } = now;
    const stats = engine.stats();
    const waiting = recovery.recovering + recovery.ambiguous;
    const detail =
      waiting === 0
        ? ''
        : `${recovery.recordsMerged} records merged, ${waiting} partitions to go${recovery.stalled && `; waiting: ${recovery.stalled}`}`;
    return {
      id: config.node.id,
      host: config.node.host,
      zone: config.node.zone,
      version: VERSION,
      epoch: BigInt(now.epoch),
      boot: BigInt(now.boot),
      uptimeMs: BigInt(Date.now() - startedAtMs),
      state: now.state,
      partitionsMember: replica.topology().table.length - waiting,
      partitionsRecovering: waiting,
      detail,
      repair: repairToWire(now),
      topologyStore: storeToWire(topologyStore.away()),
      time: timeToWire(now),
      scrub: scrubToWire(scrubber.status()),
      engine: {
        device: config.storage.device,
        driver: engine.report.deviceKind,
        capacityBytes: BigInt(config.storage.size),
        usedBytes: BigInt(usedBytes()),
        records: BigInt(stats.records),
        puts: BigInt(stats.appends),
        gets: BigInt(stats.gets),
        groups: BigInt(stats.groups),
        deviceBytesWritten: BigInt(stats.writtenBytes),
      },
      peers: replica.members().map(({ node, state, boot, incarnation }) => {
        const why = now.peers[node] ?? 'not greeted yet';
        return {
          id: node,
          reachable: why === '',
          detail: why,
          liveness: state,
          boot: BigInt(boot),
          incarnation: BigInt(incarnation),
        };
      }),
    };
  };
  return {
    ...planService({ replica, nodeId: config.node.id, usedBytes }),
    getStatus: () => ({ status: status() }),
    scrubNode({ bytesPerSecond }) {
      if (bytesPerSecond !== 0n && bytesPerSecond < SCRUB_BYTES_MIN)
        throw new StoreError('ARGUMENT_INVALID', { message: `bytes_per_second is less than ${SCRUB_BYTES_MIN}` });
      scrubber.begin(bytesPerSecond === 0n ? undefined : Number(bytesPerSecond));
      return { scrub: scrubToWire(scrubber.status()) };
    },
    async createKeyspace({ keyspace }) {
      const choice = keyspaceFromWire(keyspace);
      const changed = await replica.changeTopology((document) => createKeyspace(document, choice));
      return { keyspace: keyspaceToWire(keyspaceNamed(changed, choice.name)) };
    },
    async updateKeyspace({ keyspace }) {
      const choice = keyspaceFromWire(keyspace);
      const changed = await replica.changeTopology((document) => updateKeyspace(document, choice));
      return { keyspace: keyspaceToWire(keyspaceNamed(changed, choice.name)) };
    },
    async deleteKeyspace({ name }) {
      await replica.changeTopology((document) => deleteKeyspace(document, name));
      return {};
    },
  };
}
