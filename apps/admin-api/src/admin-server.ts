import { type Listener, listenHttp, openHttpTransport, type Routes } from '@ferrite/net';
import { ClusterService, KeyspaceService, NodeService } from '@ferrite/proto/admin';
import { KvService, TopologyService } from '@ferrite/proto/kv';
import type { Log } from '@ferrite/telemetry';
import { Nodes } from './nodes.ts';
import { clusterService } from './services/cluster-service.ts';
import { kvProxy, topologyProxy } from './services/data-proxy.ts';
import { keyspaceService } from './services/keyspace-service.ts';
import { nodeService } from './services/node-service.ts';

export interface AdminServerOptions {
  /** `host:port`. */
  readonly listen: string;
  /** `http://host:port` of some nodes; the others are learnt from them. */
  readonly nodes: readonly string[];
  readonly log: Log;
}

/** Starts the admin API. It comes up whether or not the nodes do. Throws `ADDRESS_IN_USE`, `CONFIG_INVALID`. */
export async function openAdminServer({ listen, nodes: seeds, log }: AdminServerOptions): Promise<Listener> {
  const nodes = new Nodes(seeds, (baseUrl) => openHttpTransport({ baseUrl }));
  const routes: Routes = (router) => {
    router.service(ClusterService, clusterService(nodes));
    router.service(KeyspaceService, keyspaceService(nodes));
    router.service(NodeService, nodeService(nodes));
    router.service(KvService, kvProxy(nodes));
    router.service(TopologyService, topologyProxy(nodes));
  };
  const alive = (): { status: number; body: string } => ({ status: 200, body: 'alive\n' });
  return await listenHttp({
    address: listen,
    routes,
    plain: { '/healthz': alive, '/readyz': alive },
    onError: (error, method) => log.error('a handler failed', { method, error: String(error) }),
  });
}
