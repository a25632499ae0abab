import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type ConnectRouter, createRouterTransport } from '@connectrpc/connect';
import { type Reason, StoreError } from '@ferrite/errors';
import { storeErrorInterceptor } from '@ferrite/net';
import { KvService, type PutRequest, TopologyService } from '@ferrite/proto/kv';
import { NodeService, type NodeStatusSchema } from '@ferrite/proto/node';
import type { Dial, Line } from '../dial.ts';

/**
 * What may befall a put. `applied`: it takes place and its answer is lost; `lost`: neither happens, yet the caller cannot
 * know; `refused`: it certainly does not happen.
 */
export type PutFault = 'applied' | 'lost' | 'refused';

/**
 * Nodes over one shared memory, with the dots and contexts of P1, P2 and P4 in their simplest form. Fault budget: nodes
 * that are down on both ports or on the fabric only, hang, answer with a reason, or lose the answer of a put. Replicas
 * never differ: what nodes do among themselves is not the client's business. All keyspaces share one set of records.
 */
export interface FakeCluster {
  /** Lines to the nodes without sockets. */
  readonly dial: Dial;
  readonly urls: readonly string[];
  /** Where the nodes say that they listen; a test that serves {@link routes} on sockets writes the real places here. */
  readonly addresses: Map<string, { readonly rpcAddress: string; readonly fabricAddress: string }>;
  /** The services of one node, as its RPC or its fabric port offers them. */
  routes(id: string, port: 'fabric' | 'connect'): (router: ConnectRouter) => void;
  /** Calls as `n2/fabric Get`. */
  readonly calls: string[];
  readonly down: Set<string>;
  readonly fabricDown: Set<string>;
  readonly hanging: Set<string>;
  /** What all nodes hold for dead. */
  readonly heldForDead: Set<string>;
  /** The dots that each get demanded. */
  readonly demands: (readonly number[])[];
  /** Loses all that is known of a key, as nodes may that promised it at ONE or MEMORY. */
  lose(key: string): void;
  /** Reason that a node answers data calls with. */
  readonly reasons: Map<string, Reason>;
  /** What a node says of itself beside that it serves. */
  readonly said: Map<string, MessageInitShape<typeof NodeStatusSchema>>;
  /** Consumed one a put. */
  readonly putFaults: PutFault[];
  /** Runs just before a put with a fault takes place, once: another writer in the gap. */
  beforeFault: (() => void) | undefined;
  epoch: bigint;
  keyspaces: string[];
  /** Values of a key's siblings. */
  stored(key: string): string[];
  /** A write by somebody else; covers what it names. */
  write(key: string, value: string, covers?: readonly number[]): number;
}

interface Dot {
  readonly dot: number;
  readonly value: Uint8Array;
}

const text = new TextDecoder();
const bytes = new TextEncoder();

/** A cluster of `nodes` fakes named n1, n2 and so on, with the keyspace `default`. */
export function createFakeCluster(nodes = 3): FakeCluster {
  const records = new Map<string, Dot[]>();
  /** Every dot that a key's record has known. */
  const known = new Map<string, number[]>();
  const ids = Array.from({ length: nodes }, (_, index) => `n${index + 1}`);
  const addresses = new Map(
    ids.map((id) => [id, { rpcAddress: `${id}.test:7401`, fabricAddress: `${id}.test:7501` }] as const),
  );
  let dots = 0;

  const write = (key: string, value: Uint8Array, covers: readonly number[]): number => {
    const kept = (records.get(key) ?? []).filter(({ dot }) => !covers.includes(dot));
    dots += 1;
    known.set(key, [...(known.get(key) ?? []), dots]);
    records.set(key, [...kept, { dot: dots, value: value.slice() }]);
    return dots;
  };

  const cluster: FakeCluster = {
    get urls() {
      return [...addresses.values()].map(({ rpcAddress }) => `http://${rpcAddress}`);
    },
    addresses,
    routes,
    calls: [],
    down: new Set(),
    fabricDown: new Set(),
    hanging: new Set(),
    heldForDead: new Set(),
    demands: [],
    lose: (key) => {
      records.delete(key);
      known.delete(key);
    },
    reasons: new Map(),
    said: new Map(),
    putFaults: [],
    beforeFault: undefined,
    epoch: 1n,
    keyspaces: ['default'],
    stored: (key) => (records.get(key) ?? []).map(({ value }) => text.decode(value)),
    write: (key, value, covers = []) => write(key, bytes.encode(value), covers),
    dial: {
      fabric: (host) => line(host, 'fabric'),
      connect: (url) => line(new URL(url).host, 'connect'),
    },
  };

  const put = (request: PutRequest): { context: Uint8Array } => {
    const key = text.decode(request.key);
    const covers = decode(request.context);
    const fault = cluster.putFaults.shift();
    if (fault === undefined) return { context: encode([...covers, write(key, request.value, covers)]) };
    cluster.beforeFault?.();
    cluster.beforeFault = undefined;
    if (fault === 'applied') write(key, request.value, covers);
    throw new StoreError('QUORUM_UNAVAILABLE', { effect: fault === 'refused' ? 'none' : 'unknown' });
  };

  function line(host: string, kind: 'fabric' | 'connect'): Line {
    const router = { interceptors: [storeErrorInterceptor] };
    const transport = createRouterTransport(routes(host.split('.')[0] ?? '', kind), { router });
    return { transport, close: async () => undefined };
  }

  function routes(id: string, kind: 'fabric' | 'connect'): (router: ConnectRouter) => void {
    const enter = async (method: string, signal: AbortSignal): Promise<void> => {
      cluster.calls.push(`${id}/${kind} ${method}`);
      if (cluster.down.has(id) || (kind === 'fabric' && cluster.fabricDown.has(id))) {
        throw new StoreError('FABRIC_UNAVAILABLE');
      }
      if (cluster.hanging.has(id)) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      }
      const reason = cluster.reasons.get(id);
      if (reason !== undefined && method !== 'GetTopology') throw new StoreError(reason);
    };
    const demand = (keyspace: string): void => {
      if (!cluster.keyspaces.includes(keyspace)) throw new StoreError('KEYSPACE_NOT_FOUND');
    };
    const get = (key: Uint8Array) => {
      const found = records.get(text.decode(key)) ?? [];
      return { siblings: found.map(({ value }) => ({ value })), context: encode(known.get(text.decode(key)) ?? []) };
    };
    const remove = (key: Uint8Array, context: Uint8Array) => {
      const covers = decode(context);
      const name = text.decode(key);
      records.set(
        name,
        (records.get(name) ?? []).filter(({ dot }) => !covers.includes(dot)),
      );
      return { context };
    };
    return (router) => {
      router.service(TopologyService, {
        getTopology: async (_request, { signal }) => {
          await enter('GetTopology', signal);
          return {
            epoch: cluster.epoch,
            partitionBits: 2,
            members: ids.map((member) => ({
              id: member,
              state: 'active',
              liveness: cluster.heldForDead.has(member) ? 'dead' : 'alive',
              ...addresses.get(member),
            })),
            partitions: ids.map(() => ({ members: ids.map((_, index) => index) })),
            keyspaces: cluster.keyspaces.map((name, index) => ({ name, id: index + 1, replicationFactor: nodes })),
          };
        },
      });
      router.service(KvService, {
        get: async ({ keyspace, key, atLeast }, { signal }) => {
          await enter('Get', signal);
          demand(keyspace);
          const dots = decode(atLeast);
          cluster.demands.push(dots);
          const here = known.get(text.decode(key)) ?? [];
          if (!dots.every((dot) => here.includes(dot))) throw new StoreError('STALE_READ');
          return get(key);
        },
        put: async (request, { signal }) => {
          await enter('Put', signal);
          demand(request.keyspace);
          return put(request);
        },
        delete: async ({ key, context }, { signal }) => {
          await enter('Delete', signal);
          return remove(key, context);
        },
        batch: async ({ ops }, { signal }) => {
          await enter('Batch', signal);
          return {
            results: ops.map(({ op }) => {
              if (op.case === 'get') return { result: { case: 'get' as const, value: get(op.value.key) } };
              if (op.case === 'put' && op.value.value.length > 8) {
                const detail = { reason: 'VALUE_TOO_LARGE', effect: 'none', retry: 'never' };
                return { result: { case: 'error' as const, value: { code: 'invalid_argument', detail } } };
              }
              if (op.case === 'put') return { result: { case: 'put' as const, value: put(op.value) } };
              if (op.case === undefined) throw new StoreError('ARGUMENT_INVALID');
              return { result: { case: 'delete' as const, value: remove(op.value.key, op.value.context) } };
            }),
          };
        },
        async *scan({ pageToken, prefix, limit }, { signal }) {
          const keys = [...records.keys()].toSorted().filter((key) => key.startsWith(text.decode(prefix)));
          const rest = keys.filter((key) => key > text.decode(pageToken));
          for (const key of limit > 0 ? rest.slice(0, limit) : rest) {
            await enter('Scan', signal);
            yield { key: bytes.encode(key), ...get(bytes.encode(key)), pageToken: bytes.encode(key) };
          }
        },
      });
      router.service(NodeService, {
        getStatus: async (_request, { signal }) => {
          await enter('GetStatus', signal);
          return { status: { ...cluster.said.get(id), id, state: 'serving' } };
        },
        scrubNode: async (_request, { signal }) => {
          await enter('ScrubNode', signal);
          const scrub = { running: false, bytes: 4096n, bytesTotal: 4096n, startedAtMs: 1n, finishedAtMs: 2n };
          cluster.said.set(id, { scrub: { ...cluster.said.get(id)?.scrub, ...scrub } });
          return { scrub: { ...scrub, running: true } };
        },
        createKeyspace: async ({ keyspace }, { signal }) => {
          await enter('CreateKeyspace', signal);
          if (keyspace === undefined) throw new StoreError('ARGUMENT_INVALID');
          if (cluster.keyspaces.includes(keyspace.name)) throw new StoreError('KEYSPACE_EXISTS');
          cluster.keyspaces.push(keyspace.name);
          cluster.epoch += 1n;
          return { keyspace: { ...keyspace, replicationFactor: keyspace.replicationFactor || nodes } };
        },
      });
    };
  }

  return cluster;
}

/** Dots with a check sum, so that a client that changes a context is found out. */
function encode(dots: readonly number[]): Uint8Array {
  if (dots.length === 0) return new Uint8Array();
  const list = dots.toSorted((a, b) => a - b).join(',');
  return bytes.encode(`${list}#${createHash('sha1').update(list).digest('hex').slice(0, 8)}`);
}

function decode(context: Uint8Array): number[] {
  if (context.length === 0) return [];
  const [list = ''] = text.decode(context).split('#');
  const dots = list.split(',').map(Number);
  if (text.decode(encode(dots)) !== text.decode(context)) throw new StoreError('CONTEXT_INVALID');
  return dots;
}
