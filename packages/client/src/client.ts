import { RetryBudget, StoreError } from '@ferrite/errors';
import { type BatchResult, runBatch } from './batch.ts';
import { ClusterView } from './cluster-view.ts';
import { ContextMemory } from './context-memory.ts';
import { type Deadline, deadlineIn } from './deadline.ts';
import { type Dial, SOCKETS } from './dial.ts';
import { Dispatcher } from './dispatch.ts';
import { InFlight } from './in-flight.ts';
import { type Bounded, type Keyspaces, openKeyspaces } from './keyspaces.ts';
import { CONTEXTS_REMEMBERED, TIMEOUT_MS_DEFAULT } from './limits.ts';
import { type NodeState, nodeStates, type ScrubState } from './node-states.ts';
import { openPlans, type Plans } from './plans.ts';
import { scanRecords } from './scan.ts';
import { scrubNode } from './scrub.ts';
import { parseServer } from './server-url.ts';
import { openSession, type Session } from './session.ts';
import type { Topology } from './topology.ts';
import type {
  BatchOp,
  CallOptions,
  GetOptions,
  GetResult,
  PutOptions,
  ScanOptions,
  ScanRecord,
  WriteOptions,
  WriteResult,
} from './types.ts';
import { toWireConsistency } from './wire.ts';
import { deleteKey, putValue, readRecord, type Target } from './write.ts';

export interface ClientConfig {
  /** URLs (or HOST:PORT) of any nodes' RPC ports or of the admin API; one that answers is enough. */
  readonly servers: readonly string[];
  /**
   * How to reach the nodes for data: `fabric` (default) is fastest and falls back to Connect where the fabric port
   * cannot be reached; `connect` uses only the RPC ports.
   */
  readonly transport?: 'fabric' | 'connect';
  /** Time for a call that names none, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Ends the client: calls in flight reject with its reason. */
  readonly signal?: AbortSignal;
  /**
   * What retries may cost in all; the default allows one for five calls, and a burst of 100 or, if that is more, of as many
   * as calls have been in flight at once.
   */
  readonly retryBudget?: RetryBudget;
}

/**
 * A connection to a cluster. Keyspace `''` is `default`. Keys are 1 B to 1 KiB and values 0 B to 8 MiB; both are borrowed
 * until the call settles. Every call throws `StoreError`: `effect` says whether a failed write may have happened.
 */
export interface Client extends AsyncDisposable {
  get(keyspace: string, key: Uint8Array, options?: GetOptions): Promise<GetResult>;
  /** Replaces what is there (the context is read first), unless the options say otherwise. */
  put(keyspace: string, key: Uint8Array, value: Uint8Array, options?: PutOptions): Promise<WriteResult>;
  /** Deletes what is there; an absent key is no failure. */
  delete(keyspace: string, key: Uint8Array, options?: WriteOptions): Promise<WriteResult>;
  /** Independent operations in few messages; results in order, failures as values. */
  batch(ops: readonly BatchOp[], options?: CallOptions): Promise<BatchResult[]>;
  /** Records in the order (partition, hash, key). Without `timeoutMs` a scan takes as long as it brings records. */
  scan(keyspace: string, options?: ScanOptions): AsyncIterable<ScanRecord>;
  /** Calls that see what they have written and never go back (P11). Cheap: open one for each thread of work. */
  session(): Session;
  readonly keyspaces: Keyspaces;
  readonly plans: Plans;
  /** The newest topology that any node knows of. */
  topology(options?: CallOptions): Promise<Topology>;
  /** Every member with what it says of itself; a node that is down is an entry with an `error`. */
  nodes(options?: CallOptions): Promise<readonly NodeState[]>;
  /**
   * Has a node read all that its device holds and mend what it cannot read, at so many bytes a second (at least 4096; absent:
   * 32 MiB), and gives how that stands; {@link nodes} tells how it goes on. One scrub at a time. Throws `NODE_NOT_FOUND`.
   */
  scrub(node: string, options?: CallOptions & { readonly bytesPerSecond?: number }): Promise<ScrubState>;
  /** Refuses new calls, waits for those in flight, ends scans that are still open and closes the connections. */
  close(): Promise<void>;
}

/**
 * Reads the topology from the first server that answers and gives a client that sends every request straight to a
 * replica of its key. Throws `FABRIC_UNAVAILABLE` if no server answers, `ARGUMENT_INVALID` for a bad configuration.
 *
 * ```ts
 * await using client = await openClient({ servers: ['http://127.0.0.1:7401'] });
 * await client.put('default', new TextEncoder().encode('hello'), new TextEncoder().encode('world'));
 * const found = oneValue(await client.get('default', new TextEncoder().encode('hello')));
 * ```
 */
export async function openClient(config: ClientConfig): Promise<Client> {
  return await openClientOver(SOCKETS, config);
}

/** {@link openClient} over lines of the caller's choice. */
export async function openClientOver(dial: Dial, config: ClientConfig): Promise<Client> {
  const { timeoutMs = TIMEOUT_MS_DEFAULT, retryBudget = new RetryBudget(0.2, 100, { scales: true }) } = config;
  if (config.servers.length === 0) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'no servers were given' });
  }
  config.signal?.throwIfAborted();
  const ended = new AbortController();
  const signal = config.signal === undefined ? ended.signal : AbortSignal.any([config.signal, ended.signal]);
  const view = new ClusterView({
    seeds: [...new Set(config.servers.map(parseServer))],
    fabric: config.transport !== 'connect',
    dial,
    signal,
  });
  try {
    await view.refresh();
  } catch (error) {
    await view.close();
    throw error;
  }
  view.watch();
  const dispatcher = new Dispatcher(view, retryBudget);
  const contexts = new ContextMemory(CONTEXTS_REMEMBERED);
  const calls = new InFlight();
  let closing: Promise<void> | undefined;

  const within = (options: CallOptions | undefined): AbortSignal =>
    options?.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
  const bounded: Bounded = (options, run) => {
    const interruptible = (options?.signal ?? config.signal) !== undefined;
    return calls.track(async () => run(deadlineIn(options?.timeoutMs ?? timeoutMs, within(options), interruptible)));
  };
  const target = (keyspace: string, key: Uint8Array, deadline: Deadline): Target => {
    return { dispatcher, contexts, keyspace: keyspace === '' ? 'default' : keyspace, key, deadline };
  };
  const close = async (): Promise<void> => {
    await calls.close();
    ended.abort(new StoreError('SHUTTING_DOWN', { message: 'the client is closed' }));
    await view.close();
  };

  return {
    get: (keyspace, key, options) =>
      bounded(options, (deadline) =>
        readRecord(target(keyspace, key, deadline), toWireConsistency(options?.consistency), options?.atLeast),
      ),
    put: (keyspace, key, value, options = {}) =>
      bounded(options, (deadline) => putValue(target(keyspace, key, deadline), value, options)),
    delete: (keyspace, key, options = {}) =>
      bounded(options, (deadline) => deleteKey(target(keyspace, key, deadline), options)),
    batch: (ops, options) => bounded(options, (deadline) => runBatch(dispatcher, contexts, ops, deadline)),
    scan: (keyspace, options = {}) => {
      calls.assertOpen();
      return scanRecords(dispatcher, keyspace === '' ? 'default' : keyspace, options, within(options));
    },
    session: () => {
      const seen = new ContextMemory(CONTEXTS_REMEMBERED);
      return openSession({
        contexts: seen,
        run: bounded,
        target: (keyspace, key, deadline) => ({ dispatcher, contexts: seen, keyspace, key, deadline }),
      });
    },
    keyspaces: openKeyspaces(dispatcher, bounded),
    plans: openPlans(dispatcher, bounded),
    topology: (options) => bounded(options, () => view.refresh()),
    nodes: (options) => bounded(options, (deadline) => nodeStates(view, deadline.signal)),
    scrub: (node, options) =>
      bounded(options, (deadline) => scrubNode(view, node, options?.bytesPerSecond ?? 0, deadline.signal)),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}
