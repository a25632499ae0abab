import type { ServiceImpl } from '@connectrpc/connect';
import type { KvService, TopologyService } from '@ferrite/proto/kv';
import type { NodeLink, Nodes } from '../nodes.ts';

/** Passes data calls on to a node as they are, so that one address is enough for a browser or a first look. */
export function kvProxy(nodes: Nodes): Partial<ServiceImpl<typeof KvService>> {
  const pass = <T>(
    timeoutMs: number | undefined,
    call: (link: NodeLink, options: { timeoutMs?: number }) => Promise<T>,
  ): Promise<T> => nodes.any((link) => call(link, timeoutMs === undefined ? {} : { timeoutMs }));
  return {
    get: (request, context) => pass(context.timeoutMs(), (link, options) => link.kv.get(request, options)),
    put: (request, context) => pass(context.timeoutMs(), (link, options) => link.kv.put(request, options)),
    delete: (request, context) => pass(context.timeoutMs(), (link, options) => link.kv.delete(request, options)),
    batch: (request, context) => pass(context.timeoutMs(), (link, options) => link.kv.batch(request, options)),
    async *scan(request, context) {
      const link = await nodes.any(async (candidate) => {
        await candidate.node.getStatus({}, { timeoutMs: 1000 });
        return candidate;
      });
      yield* link.kv.scan(request, { signal: context.signal });
    },
  };
}

/** The clients' view of the topology, so that the admin API can be named as a server. */
export function topologyProxy(nodes: Nodes): ServiceImpl<typeof TopologyService> {
  return { getTopology: () => nodes.topology() };
}
