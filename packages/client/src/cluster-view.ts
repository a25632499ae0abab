import { createClient } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { keyHash, partitionOf } from '@ferrite/hashing';
import { fromConnectError } from '@ferrite/net';
import { TopologyService } from '@ferrite/proto/kv';
import type { Dial } from './dial.ts';
import { CONTROL_MS_MAX, REFRESH_INTERVAL_MS, RETIRE_MS } from './limits.ts';
import { NodeLink } from './node-link.ts';
import { type Member, routeAny, routePartition, type Topology, toTopology, urlOf } from './topology.ts';
import { watchTopology } from './topology-watch.ts';

export interface ClusterViewConfig {
  /** URLs of any nodes or of the admin API; at least one. */
  readonly seeds: readonly string[];
  /** Call the members over the fabric. */
  readonly fabric: boolean;
  readonly dial: Dial;
  readonly signal: AbortSignal;
}

/** The newest topology that this client has seen, and the links to the nodes in it. */
export class ClusterView {
  readonly seeds: readonly string[];
  readonly #config: ClusterViewConfig;
  readonly #links = new Map<string, NodeLink>();
  #topology: Topology | undefined;
  #refreshing: Promise<Topology> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  /** Members that the node asked last holds for dead: they are asked after the others. */
  #dead: ReadonlySet<string> = new Set();
  /** By keyspace and partition, whom to ask; of the topology and the dead as they are known now. */
  readonly #routes = new Map<string, (readonly NodeLink[])[]>();

  constructor(config: ClusterViewConfig) {
    this.#config = config;
    this.seeds = config.seeds;
  }

  /** The topology as last seen; fetched first if it never was. */
  async topology(): Promise<Topology> {
    return this.#topology ?? (await this.refresh());
  }

  /** Asks the nodes for a newer topology; callers at the same time share one round. Throws `FABRIC_UNAVAILABLE`. */
  async refresh(): Promise<Topology> {
    this.#refreshing ??= this.#fetch().finally(() => {
      this.#refreshedAt = performance.now();
      this.#refreshing = undefined;
    });
    return await this.#refreshing;
  }

  /** Refreshes behind the caller's back, unless that was done a moment ago. A failure changes nothing. */
  refreshSoon(): void {
    if (performance.now() - this.#refreshedAt < REFRESH_INTERVAL_MS) return;
    this.refresh().catch(() => undefined);
  }

  /** Follows the topology from now on, until the client ends: asks one node now and then whether there is a newer one. */
  watch(): void {
    watchTopology(async () => {
      const known = this.#topology?.epoch;
      const fresh = (await this.forControl()).filter((link) => link.fresh);
      const link = fresh[Math.floor(Math.random() * fresh.length)];
      // Without an answer what is known stays: requests that fail ask by themselves.
      await link?.call(() => this.#ask(link.address.url), this.#config.signal).catch(() => undefined);
      return this.#topology?.epoch === known ? 'same' : 'new';
    }, this.#config.signal);
  }

  /** The nodes to ask about a key, best first; the seeds come last, for members whose addresses lead nowhere. */
  forKey(keyspace: string, key: Uint8Array): readonly NodeLink[] | Promise<readonly NodeLink[]> {
    if (this.#topology === undefined) return this.refresh().then((topology) => this.#route(topology, keyspace, key));
    return this.#route(this.#topology, keyspace, key);
  }

  #route(topology: Topology, keyspace: string, key: Uint8Array): readonly NodeLink[] {
    const partition = partitionOf(keyHash(key), topology.partitionBits);
    let routes = this.#routes.get(keyspace);
    if (routes === undefined) {
      routes = [];
      this.#routes.set(keyspace, routes);
    }
    const links = (routes[partition] ??= this.#linksTo(routePartition(topology, keyspace, partition)));
    return links[0]?.fresh === true ? links : freshFirst(links);
  }

  /** The nodes that may be asked anything. */
  async forAny(): Promise<readonly NodeLink[]> {
    return freshFirst(this.#linksTo(routeAny(await this.topology())));
  }

  /** The nodes that may be asked anything, over Connect only: what administers is not served on the fabric. */
  async forControl(): Promise<readonly NodeLink[]> {
    const urls = new Set([...routeAny(await this.topology()).map(urlOf), ...this.seeds]);
    return freshFirst([...urls].map((url) => this.atUrl(url)));
  }

  /** The link to a member. */
  #member(member: Member): NodeLink {
    return this.#link(
      urlOf(member),
      this.#config.fabric && member.fabricAddress !== '' ? member.fabricAddress : undefined,
    );
  }

  /** The link to a URL, over Connect only; it need not be a member's. */
  atUrl(url: string): NodeLink {
    return this.#link(url, undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }

  #linksTo(members: readonly Member[]): readonly NodeLink[] {
    const links = this.#livingFirst(members).map((member) => this.#member(member));
    const known = new Set(links.map((link) => link.address.url));
    return [...links, ...this.seeds.filter((url) => !known.has(url)).map((url) => this.atUrl(url))];
  }

  #livingFirst(members: readonly Member[]): readonly Member[] {
    const dead = this.#dead;
    if (dead.size === 0) return members;
    return [...members.filter(({ id }) => !dead.has(id)), ...members.filter(({ id }) => dead.has(id))];
  }

  #link(url: string, fabric: string | undefined): NodeLink {
    const name = fabric === undefined ? url : `${url} ${fabric}`;
    const present = this.#links.get(name);
    if (present !== undefined) return present;
    const link = new NodeLink({ url, ...(fabric !== undefined && { fabric }) }, this.#config.dial);
    this.#links.set(name, link);
    return link;
  }

  async #fetch(): Promise<Topology> {
    const members = this.#topology === undefined ? [] : routeAny(this.#topology);
    const urls = new Set([...this.seeds, ...members.map(urlOf)]);
    const { signal } = this.#config;
    try {
      const answers = [...urls].map((url) => this.#ask(url));
      return await Promise.any(answers);
    } catch (cause) {
      signal.throwIfAborted();
      const causes = cause instanceof AggregateError ? cause.errors : [cause];
      const details = Object.fromEntries([...urls].map((url, index) => [url, reasonOf(causes[index])]));
      const named = Object.entries(details).map(([url, reason]) => `${url}: ${reason}`);
      throw new StoreError('FABRIC_UNAVAILABLE', { message: `no node answered (${named.join(', ')})`, details, cause });
    }
  }

  /** An answer that arrives after another one is still taken if it is newer. */
  async #ask(url: string): Promise<Topology> {
    const client = createClient(TopologyService, this.atUrl(url).connect);
    const options = { timeoutMs: CONTROL_MS_MAX, signal: this.#config.signal };
    const response = await client.getTopology({ knownEpoch: this.#topology?.epoch ?? 0n }, options);
    if (this.#topology === undefined || response.epoch > this.#topology.epoch) this.#take(toTopology(response));
    this.#dead = new Set(response.members.filter(({ liveness }) => liveness === 'dead').map(({ id }) => id));
    this.#routes.clear();
    return this.#topology!;
  }

  #take(topology: Topology): void {
    this.#topology = topology;
    this.#routes.clear();
    const urls = new Set([...topology.members.map(urlOf), ...this.seeds]);
    const gone = [...this.#links].filter(([, link]) => !urls.has(link.address.url));
    for (const [name] of gone) this.#links.delete(name);
    if (gone.length === 0) return;
    const close = (): void => void Promise.all(gone.map(([, link]) => link.close())).catch(() => undefined);
    const timer = setTimeout(close, RETIRE_MS);
    this.#config.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      close();
    });
  }
}

function freshFirst(links: readonly NodeLink[]): readonly NodeLink[] {
  return [...links.filter((link) => link.fresh), ...links.filter((link) => !link.fresh)];
}

function reasonOf(cause: unknown): string {
  const error = fromConnectError(cause);
  return error.reason === 'INTERNAL' ? error.message : error.reason;
}
