import { create } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { fromConnectError } from '@ferrite/net';
import {
  GetTopologyRequestSchema,
  type GetTopologyResponse,
  KvService,
  type Member,
  TopologyService,
} from '@ferrite/proto/kv';
import { NodeService } from '@ferrite/proto/node';

/** How long a node may take to answer the admin API, in milliseconds. */
export const NODE_TIMEOUT_MS = 3000;

/** Calls to one node over its RPC port. */
export interface NodeLink {
  readonly url: string;
  readonly kv: Client<typeof KvService>;
  readonly node: Client<typeof NodeService>;
  readonly topology: Client<typeof TopologyService>;
}

/**
 * The nodes behind the admin API. It starts from seed addresses and learns the others from the topology that any of them
 * gives; it keeps no state that matters and decides nothing.
 */
export class Nodes {
  readonly #seeds: readonly string[];
  readonly #links = new Map<string, NodeLink>();
  readonly #connect: (url: string) => Transport;
  #known: readonly string[];

  constructor(seeds: readonly string[], connect: (url: string) => Transport) {
    this.#seeds = seeds;
    this.#known = seeds;
    this.#connect = connect;
  }

  link(url: string): NodeLink {
    const present = this.#links.get(url);
    if (present !== undefined) return present;
    const transport = this.#connect(url);
    const link: NodeLink = {
      url,
      kv: createClient(KvService, transport),
      node: createClient(NodeService, transport),
      topology: createClient(TopologyService, transport),
    };
    this.#links.set(url, link);
    return link;
  }

  /**
   * The topology as a reachable node knows it; the table is left out where its epoch is `knownEpoch`. Throws
   * `FABRIC_UNAVAILABLE` if none answers.
   */
  async topology(knownEpoch = 0n): Promise<GetTopologyResponse> {
    const answer = await this.any((link) =>
      link.topology.getTopology(create(GetTopologyRequestSchema, { knownEpoch }), { timeoutMs: NODE_TIMEOUT_MS }),
    );
    this.#known = [...new Set([...answer.members.map(urlOf), ...this.#seeds])];
    return answer;
  }

  /**
   * The answer of the first node that gives one. A failure that another node could not mend (a name that exists, a bad
   * argument) is passed on at once; so is one that may have had an effect. If all fail, what a node said goes before the
   * silence of others.
   */
  async any<T>(call: (link: NodeLink) => Promise<T>): Promise<T> {
    const failures: string[] = [];
    let said: StoreError | undefined;
    for (const url of this.#known) {
      try {
        return await call(this.link(url));
      } catch (cause) {
        const error = fromConnectError(cause);
        if (error.effect === 'unknown' || !['unavailable', 'deadline_exceeded'].includes(error.kind)) throw error;
        if (error.reason !== 'FABRIC_UNAVAILABLE' && error.reason !== 'DEADLINE_EXCEEDED') said ??= error;
        failures.push(`${url}: ${error.reason}`);
      }
    }
    if (said !== undefined) throw said;
    throw new StoreError('FABRIC_UNAVAILABLE', { message: `no node answered (${failures.join(', ')})` });
  }
}

/** Where a member's RPC port is. */
export function urlOf(member: Member): string {
  return `http://${member.rpcAddress}`;
}
