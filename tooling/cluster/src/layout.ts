import { join } from 'node:path';

/** Where one node of a local cluster lives. */
export interface NodePlace {
  readonly id: string;
  readonly rpc: string;
  readonly fabric: string;
  readonly metrics: string;
  readonly configFile: string;
  readonly imageFile: string;
  readonly logFile: string;
  readonly pidFile: string;
}

/** The whole cluster on one machine: ports from a base, files in one directory. */
export interface Layout {
  readonly data: string;
  readonly portBase: number;
  /** `127.0.0.1:PORT` of the admin API. */
  readonly admin: string;
  readonly nodes: readonly NodePlace[];
}

const LOOPBACK = '127.0.0.1';
const STORAGE_SIZE = '4GiB';

/** Node i (from 1): RPC on base+i, fabric on base+100+i, metrics and health on base+200+i. */
export function layoutOf(data: string, portBase: number, count: number): Layout {
  return {
    data,
    portBase,
    admin: `${LOOPBACK}:${portBase}`,
    nodes: Array.from({ length: count }, (_, index) => {
      const id = `n${index + 1}`;
      const port = portBase + index + 1;
      return {
        id,
        rpc: `${LOOPBACK}:${port}`,
        fabric: `${LOOPBACK}:${port + 100}`,
        metrics: `${LOOPBACK}:${port + 200}`,
        configFile: join(data, `${id}.yaml`),
        imageFile: join(data, `${id}.img`),
        logFile: join(data, `${id}.log`),
        pidFile: join(data, `${id}.pid`),
      };
    }),
  };
}

/**
 * A node's configuration as data for `nI.yaml`. Each node gets a host name of its own: replicas then spread over the
 * nodes as they would over machines. `form` is used only while the cluster has no topology.
 */
export function nodeConfig(layout: Layout, place: NodePlace): Record<string, unknown> {
  const hostOf = (id: string): string => id.replace('n', 'h');
  return {
    node: { id: place.id, host: hostOf(place.id), zone: 'a', weight: 1 },
    listen: { rpc: place.rpc, fabric: place.fabric, metrics: place.metrics },
    storage: { device: `file:${place.imageFile}`, size: STORAGE_SIZE },
    cluster: {
      topology: `file:${layout.data}`,
      adminUrl: `http://${layout.admin}`,
      form: layout.nodes.map(({ id, rpc, fabric }) => ({ id, host: hostOf(id), zone: 'a', weight: 1, rpc, fabric })),
    },
  };
}
