import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { StoreError } from '@ferrite/errors';
import { parseTopology, serializeTopology, type TopologyDocument } from '@ferrite/replication';
import {
  CLUSTER_KEY_BYTES,
  type ClusterStore,
  clusterIdOf,
  parseClusterKey,
  type StoreAbsence,
} from './cluster-store.ts';
import { type EtcdKeys, openEtcdKeys } from './etcd-keys.ts';
import { readTopologyCache, writeTopologyCache } from './topology-cache.ts';

export interface EtcdStoreOptions {
  /** `http://host:port[,http://host:port…]/prefix`. */
  readonly url: string;
  /** What this node keeps of the store, so that it can start while etcd is away. */
  readonly cacheFile: string;
  /** How long an answer may take. */
  readonly timeoutMs?: number;
  /** How often the store is asked whether it is there, beside the watch, which may break unnoticed. */
  readonly pollMs?: number;
  /** The longest pause before etcd is tried again. */
  readonly backoffMaxMs?: number;
}

/** Less than clients wait for one attempt, so that they hear the reason. */
const TIMEOUT_MS = 3_000;
const POLL_MS = 5_000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5_000;
const LOOK_MS = 100;
const ATTEMPTS = 20;
/** etcd takes requests up to 1.5 MiB unless it is told otherwise. */
const PACK_ABOVE_BYTES = 512 * 1024;

/**
 * The topology store in etcd (P15): the document is one key, published by a transaction on its mod revision, without a
 * lease; boots (P9) and the cluster key are keys beside it. Throws `CONFIG_INVALID` for a URL that is none, and
 * `TOPOLOGY_UNAVAILABLE` if etcd is away and this node has never known the cluster.
 */
export async function openEtcdTopologyStore(options: EtcdStoreOptions): Promise<ClusterStore> {
  const { endpoints, prefix } = parsedUrl(options.url);
  const keys = openEtcdKeys(endpoints, options.timeoutMs ?? TIMEOUT_MS);
  try {
    const remembered = readTopologyCache(options.cacheFile);
    const where = endpoints.join(',');
    const hex = remembered?.clusterKey ?? (await sharedKey(keys, `${prefix}/key`, where));
    return new EtcdTopologyStore(keys, { ...options, prefix, where, hex, topology: remembered?.topology });
  } catch (error) {
    await keys[Symbol.asyncDispose]();
    throw error;
  }
}

class EtcdTopologyStore implements ClusterStore {
  readonly #keys: EtcdKeys;
  readonly #options: EtcdStoreOptions & { readonly where: string; readonly hex: string };
  readonly #topologyKey: string;
  readonly #bootKey: (node: string) => string;
  readonly #key: Uint8Array;
  #topology: TopologyDocument | undefined;
  #away: { readonly why: string; readonly sinceMs: number } | undefined;

  constructor(
    keys: EtcdKeys,
    {
      prefix,
      topology,
      ...options
    }: EtcdStoreOptions & {
      readonly prefix: string;
      readonly where: string;
      readonly hex: string;
      readonly topology: TopologyDocument | undefined;
    },
  ) {
    this.#keys = keys;
    this.#options = options;
    this.#topologyKey = `${prefix}/topology`;
    this.#bootKey = (node) => `${prefix}/boot/${node}`;
    this.#key = parseClusterKey(options.hex, `${prefix}/key of etcd`);
    this.#topology = topology;
  }

  clusterKey(): Uint8Array {
    return this.#key;
  }

  clusterId(): string {
    return clusterIdOf(this.#key);
  }

  remembered(): TopologyDocument | undefined {
    return this.#topology;
  }

  away(): StoreAbsence | undefined {
    if (this.#away === undefined) return undefined;
    return { why: this.#away.why, forMs: Math.round(performance.now() - this.#away.sinceMs) };
  }

  async read(): Promise<TopologyDocument | undefined> {
    return (await this.#current()).document;
  }

  async publish(document: TopologyDocument): Promise<'done' | 'lost'> {
    const present = await this.#current();
    if ((present.document?.epoch ?? 0) >= document.epoch) return 'lost';
    const text = serializeTopology(document);
    const published = await this.#asked(() =>
      this.#keys.compareAndSet(this.#topologyKey, present.modRevision, packed(text)),
    ).catch(async (error: unknown) => {
      // Nobody knows whether it was done: perhaps the store can say so by now.
      const now = (await this.#current().catch(() => undefined))?.document;
      if (now === undefined || now.epoch < document.epoch) throw error;
      return serializeTopology(now) === text;
    });
    if (published) this.#remember(document);
    return published ? 'done' : 'lost';
  }

  async *watch(signal: { readonly aborted: boolean }): AsyncGenerator<TopologyDocument> {
    let seen = 0;
    let pauseMs = BACKOFF_MIN_MS;
    while (!signal.aborted) {
      try {
        const { document, revision } = await this.#current();
        pauseMs = BACKOFF_MIN_MS;
        if (document !== undefined && document.epoch > seen) {
          seen = document.epoch;
          yield document;
        }
        // Every new watch begins with a read, so that nothing depends on what etcd has compacted meanwhile.
        await this.#changed(revision + 1n, signal);
      } catch (error) {
        if (!StoreError.is(error) || error.kind === 'invalid_argument') throw error;
        // A real wait, with jitter, so that not all nodes ask a store that is coming back at once.
        await sleep(pauseMs * (0.5 + Math.random()), undefined, { ref: false });
        pauseMs = Math.min(2 * pauseMs, this.#options.backoffMaxMs ?? BACKOFF_MAX_MS);
      }
    }
  }

  async registerBoot(nodeId: string, boot: number, incarnation: string): ReturnType<ClusterStore['registerBoot']> {
    const key = this.#bootKey(nodeId);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { value, modRevision } = await this.#asked(() => this.#keys.get(key));
      const known = value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString()) as KnownBoot);
      const told = known === undefined ? {} : { known };
      if (boot <= (known?.boot ?? 0)) return { registered: false, ...told };
      const text = JSON.stringify({ boot, incarnation });
      if (await this.#asked(() => this.#keys.compareAndSet(key, modRevision, Buffer.from(text)))) {
        return { registered: true, ...told };
      }
    }
    throw new StoreError('TOPOLOGY_CONFLICT', { message: `others registered boots of ${nodeId} ${ATTEMPTS} times` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keys[Symbol.asyncDispose]();
  }

  async #current(): Promise<{ document: TopologyDocument | undefined; modRevision: bigint; revision: bigint }> {
    const { value, modRevision, revision } = await this.#asked(() => this.#keys.get(this.#topologyKey));
    const document = value === undefined ? undefined : parseTopology(unpacked(value));
    if (document !== undefined) this.#remember(document);
    return { document, modRevision, revision };
  }

  /** Resolves when the document has changed, the watch has ended or `signal` is aborted; rejects if etcd is away. */
  async #changed(revision: bigint, signal: { readonly aborted: boolean }): Promise<void> {
    const stop = new AbortController();
    let ended = false;
    let failure: unknown;
    const follow = async (): Promise<void> => {
      for await (const { events, canceled } of this.#keys.watch(this.#topologyKey, revision, stop.signal)) {
        if (events.length > 0 || canceled) return;
      }
    };
    const following = follow()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        ended = true;
      });
    try {
      let askedAt = performance.now();
      while (!ended && !signal.aborted) {
        // A real wait: the caller's signal can only be looked at.
        await Promise.race([following, sleep(LOOK_MS, undefined, { ref: false })]);
        if (performance.now() - askedAt < (this.#options.pollMs ?? POLL_MS)) continue;
        const { revision: now, modRevision } = await this.#asked(() => this.#keys.get(this.#topologyKey));
        if (modRevision >= revision && now >= revision) return;
        askedAt = performance.now();
      }
      if (failure !== undefined && !signal.aborted) throw this.#gone(failure);
    } finally {
      stop.abort();
      await following;
    }
  }

  async #asked<T>(question: () => Promise<T>): Promise<T> {
    try {
      const answer = await question();
      this.#away = undefined;
      return answer;
    } catch (error) {
      throw this.#gone(error);
    }
  }

  #gone(error: unknown): StoreError {
    const fault = unavailable(error, this.#options.where);
    this.#away = { why: fault.message, sinceMs: this.#away?.sinceMs ?? performance.now() };
    return fault;
  }

  #remember(document: TopologyDocument): void {
    if (this.#topology !== undefined && this.#topology.epoch >= document.epoch) return;
    writeTopologyCache(this.#options.cacheFile, { clusterKey: this.#options.hex, topology: document });
    this.#topology = document;
  }
}

interface KnownBoot {
  readonly boot: number;
  readonly incarnation: string;
}

/** The key of the cluster, made if there is none. */
async function sharedKey(keys: EtcdKeys, name: string, where: string): Promise<string> {
  try {
    const own = randomBytes(CLUSTER_KEY_BYTES).toString('hex');
    if (await keys.compareAndSet(name, 0n, Buffer.from(own))) return own;
    return Buffer.from((await keys.get(name)).value ?? []).toString();
  } catch (error) {
    throw unavailable(error, where);
  }
}

function unavailable(error: unknown, where: string): StoreError {
  const cause = StoreError.from(error);
  const message = `the topology store etcd at ${where} does not answer (${cause.clause})`;
  return new StoreError('TOPOLOGY_UNAVAILABLE', { effect: cause.effect, message, cause });
}

function packed(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return bytes.byteLength > PACK_ABOVE_BYTES ? gzipSync(bytes) : bytes;
}

function unpacked(value: Uint8Array): string {
  const isGzip = value[0] === 0x1f && value[1] === 0x8b;
  return Buffer.from(isGzip ? gunzipSync(value) : value).toString();
}

/** Endpoints and prefix of an address like `http://a:2379,http://b:2379/ferrite`. `CONFIG_INVALID`. */
function parsedUrl(url: string): { readonly endpoints: readonly string[]; readonly prefix: string } {
  const match = /^(http:\/\/[^/,\s]+(?:,http:\/\/[^/,\s]+)*)((?:\/[A-Za-z0-9._-]+)+)\/?$/.exec(url);
  if (match === null) {
    const message = `etcd:${url} is no address of a topology store; write etcd:http://HOST:PORT/PREFIX, several endpoints with commas`;
    throw new StoreError('CONFIG_INVALID', { message });
  }
  return { endpoints: match[1]!.split(','), prefix: match[2]! };
}
