import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@ferrite/errors';
import { type Limits, listenFabric, listenHttp, type Routes } from '@ferrite/net';
import { KvService, TopologyService } from '@ferrite/proto/kv';
import { MembershipService } from '@ferrite/proto/membership';
import { NodeService } from '@ferrite/proto/node';
import { ReplicaService } from '@ferrite/proto/replica';
import { formTopology, openReplicaNode, type ReplicaNode, type TopologyDocument } from '@ferrite/replication';
import { type Engine, openEngine } from '@ferrite/spdk-engine';
import { type Log, openLog } from '@ferrite/telemetry';
import { createTokenCodec } from '@ferrite/vector-clock';
import type { ClusterStore } from './adapters/cluster-store.ts';
import { openEtcdTopologyStore } from './adapters/etcd-topology-store.ts';
import { fabricGossipTransport } from './adapters/fabric-gossip-transport.ts';
import { fabricReplicaTransport } from './adapters/fabric-replica-transport.ts';
import { openFileTopologyStore } from './adapters/file-topology-store.ts';
import { systemClock, systemRandom } from './adapters/system.ts';
import type { NodeConfig } from './config/schema.ts';
import { nodeMetrics } from './node-metrics.ts';
import { kvDirect } from './rpc/kv-direct.ts';
import { kvService } from './rpc/kv-service.ts';
import { membershipService } from './rpc/membership-service.ts';
import { nodeService } from './rpc/node-service.ts';
import { replicaDirect, replicaService } from './rpc/replica-service.ts';
import { topologyService } from './rpc/topology-service.ts';
import { openScrubber } from './scrubber.ts';
import { VERSION } from './version.ts';

/** Descriptors kept back for files, devices and peers. */
const RESERVED_FILES = 512;
const TOPOLOGY_WAIT_MS = 30_000;

/** A running node. */
export interface NodeServer extends AsyncDisposable {
  /** Settles (never rejects) with the fault that ends the node. */
  readonly failed: Promise<StoreError>;
}

/**
 * Starts a node: opens the device, joins the replicas, listens. Disposing of it drains, flushes and closes cleanly; if
 * starting fails half-way, what was opened is closed again. Throws a `StoreError` that says what to change.
 */
export async function openNodeServer(
  config: NodeConfig,
  sinks: { readonly stderr: NodeJS.WritableStream },
): Promise<NodeServer> {
  await using opened = new AsyncDisposableStack();
  const startedAtMs = Date.now();
  const log = openLog({
    level: config.telemetry.log,
    format: config.telemetry.logFormat,
    destination: sinks.stderr,
    fields: { node: config.node.id },
  });
  const limits = effectiveLimits(config, log);

  const topologyStore = opened.use(await openClusterStore(config));
  const topology = await firstTopology(config, topologyStore, log);
  const tokens = createTokenCodec(topologyStore.clusterKey());

  const engine = opened.use(
    await openEngine({
      device: config.storage.device,
      sizeBytes: config.storage.size,
      driver: config.storage.driver,
      spdk: config.storage.spdk,
      partitionBits: topology.partitionBits,
      // This thread has peers and clients to answer meanwhile.
      waitInline: false,
    }),
  );
  const { report } = engine;
  log.info('engine open', {
    device: config.storage.device,
    driver: report.deviceKind,
    records: report.records,
    replayMs: report.replayMs,
    clean: report.clean,
    tail: report.tail,
    durability: report.durability,
  });
  if (report.tail === 'ambiguous') {
    log.warn(new StoreError('TAIL_AMBIGUOUS').message, {});
  }
  if (report.driverFallbackReason !== undefined)
    log.warn('the thread pool drives the device', { why: report.driverFallbackReason });

  let current: () => TopologyDocument = () => topology;
  const transport = opened.use(fabricReplicaTransport(() => current(), limits));
  const gossip = opened.use(fabricGossipTransport(config.node.id, () => current(), limits));
  const replica = opened.use(
    await openReplicaNode(
      {
        store: { ...engine.calls, scanPage: (request) => engine.scanPage(request) },
        transport,
        gossip,
        topologyStore,
        clock: systemClock,
        random: systemRandom,
        note: (level, text, facts) => log[level](text, facts),
      },
      { nodeId: config.node.id, topology, report },
    ),
  );
  current = () => replica.topology();
  followTopology(replica, topologyStore, log, opened);
  void followDamage(replica, engine);

  const scrubber = opened.use(openScrubber(engine, (text, facts) => log.info(text, facts)));

  const { requestTimeoutMs, maxMessage } = config.limits;
  const kv = { replica, tokens, requestTimeoutMs, messageBytesMax: maxMessage };
  const clientRoutes: Routes = (router) => {
    router.service(KvService, kvService(kv));
    router.service(TopologyService, topologyService(replica));
    router.service(NodeService, nodeService({ config, replica, engine, topologyStore, scrubber, startedAtMs }));
  };
  const peerRoutes: Routes = (router) => {
    clientRoutes(router);
    router.service(ReplicaService, replicaService(replica, requestTimeoutMs));
    router.service(MembershipService, membershipService(replica));
  };
  let ready = true;
  const onError = (error: unknown, method: string): void =>
    log.error('a handler failed', { method, error: String(error) });
  const direct = new Map([...kvDirect(kv), ...replicaDirect(replica)]);
  const fabric = opened.use(
    await listenFabric({ address: config.listen.fabric, routes: peerRoutes, direct, limits, onError }),
  );
  const rpc = opened.use(
    await listenHttp({
      address: config.listen.rpc,
      routes: clientRoutes,
      limits,
      onError,
      health: () => (ready ? 'serving' : 'not_serving'),
    }),
  );
  const metrics = nodeMetrics({ engine, replica, topologyStore, fabric, rpc });
  opened.use(
    await listenHttp({
      address: config.listen.metrics,
      routes: () => {},
      plain: {
        '/healthz': () => ({ status: 200, body: 'alive\n' }),
        '/readyz': () => (ready ? { status: 200, body: 'ready\n' } : { status: 503, body: 'stopping\n' }),
        '/metrics': async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.text() }),
      },
    }),
  );
  log.info('ready', { rpc: rpc.address, fabric: fabric.address, epoch: replica.topology().epoch, version: VERSION });

  const failed = Promise.race([engine.failed, replica.failed]);
  const running = opened.move();
  return {
    failed,
    async [Symbol.asyncDispose]() {
      ready = false;
      log.info('stopping', {});
      await running.disposeAsync();
      log.info('stopped', {});
    },
  };
}

function openClusterStore({ cluster, node }: NodeConfig): Promise<ClusterStore> | ClusterStore {
  const [scheme, place] = [cluster.topology.slice(0, 5), cluster.topology.slice(5)];
  if (scheme === 'file:') return openFileTopologyStore(place);
  return openEtcdTopologyStore({ url: place, cacheFile: cluster.cache || join('.ferrite', `${node.id}.topology`) });
}

/** The topology in force. Whoever comes first to an empty store forms the cluster from the configuration. */
async function firstTopology(config: NodeConfig, store: ClusterStore, log: Log): Promise<TopologyDocument> {
  const { form, adminUrl } = config.cluster;
  let away: StoreError | undefined;
  for (let waitedMs = 0; waitedMs < TOPOLOGY_WAIT_MS; waitedMs += 100) {
    try {
      const present = await store.read();
      if (present !== undefined) return present;
      away = undefined;
      if (form.length > 0) await store.publish(formTopology(form, { adminUrl, clusterId: store.clusterId() }));
    } catch (error) {
      if (!StoreError.is(error) || error.kind !== 'unavailable') throw error;
      away = error;
      const remembered = store.remembered();
      if (remembered !== undefined) {
        log.warn('starting with the last topology this node has seen', { epoch: remembered.epoch, why: error.message });
        return remembered;
      }
    }
    await sleep(100);
  }
  if (away !== undefined) throw away;
  throw new StoreError('CONFIG_INVALID', {
    message: `${config.cluster.topology} holds no topology, and cluster.form names no members to form one`,
  });
}

function followTopology(replica: ReplicaNode, store: ClusterStore, log: Log, opened: AsyncDisposableStack): void {
  const stop = new AbortController();
  opened.defer(() => stop.abort());
  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        for await (const document of store.watch(stop.signal)) replica.learnTopology(document);
      } catch (error) {
        log.warn('the topology store is away', { error: String(error) });
        await sleep(1000, undefined, { ref: false });
      }
    }
  };
  void follow();
}

/** What the engine cannot read back is mended from the other replicas. Ends when the engine closes. */
async function followDamage(replica: ReplicaNode, engine: Engine): Promise<void> {
  for await (const report of engine.damage()) replica.learnDamage(report);
}

/** Fewer connections than configured where the limit of open files is lower. */
function effectiveLimits(config: NodeConfig, log: Log): Partial<Limits> {
  const { maxConnections, maxInFlight, maxMessage } = config.limits;
  const files = Number(
    /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.POSITIVE_INFINITY,
  );
  const connectionsMax = Math.max(1, Math.min(maxConnections, files - RESERVED_FILES));
  log.info('limits', { connections: connectionsMax, inFlight: maxInFlight, openFiles: files });
  const inFlight = { inFlightMax: maxInFlight, inFlightPerConnectionMax: maxInFlight };
  return {
    connectionsMax,
    ...inFlight,
    messageBytesMax: maxMessage,
    bufferedBytesMax: Math.max(64 * 1024 * 1024, 2 * maxMessage),
  };
}
