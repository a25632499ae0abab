import { invariant, StoreError } from '@ferrite/errors';
import type { CausalContext } from '@ferrite/vector-clock';
import type { ScanResult } from '../core/effect.ts';
import type { ClientCommand, DamageReport, Event } from '../core/event.ts';
import { SYSTEM_KEYSPACE } from '../core/limits.ts';
import type { Claim } from '../core/membership/claim.ts';
import type { GossipMessage } from '../core/membership/gossip-message.ts';
import type { GetResult, Outcome, PeerRequest, PeerResponse, ScanPlace, WriteResult } from '../core/message.ts';
import { ReplicaCore, type ReplicaStatus, type StoreReport } from '../core/replica-core.ts';
import { SYSTEM_STATE_KEY } from '../core/system-state.ts';
import {
  type Consistency,
  type Durability,
  type Keyspace,
  keyspaceNamed,
  type TopologyDocument,
} from '../core/topology.ts';
import type { Clock } from '../ports/clock.ts';
import type { GossipTransport } from '../ports/gossip-transport.ts';
import type { LocalStore } from '../ports/local-store.ts';
import type { Random } from '../ports/random.ts';
import type { ReplicaTransport } from '../ports/replica-transport.ts';
import type { TopologyStore } from '../ports/topology-store.ts';
import { EffectRunner } from './effect-runner.ts';
import { type MembershipLoop, openMembershipLoop } from './membership-loop.ts';
import { fraction, hex } from './random-numbers.ts';

/** The drivers a node is composed of. */
export interface ReplicaPorts {
  readonly store: LocalStore;
  readonly transport: ReplicaTransport;
  /** Absent: nobody is ever suspected. */
  readonly gossip?: GossipTransport;
  readonly topologyStore: TopologyStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Facts worth a log line. */
  readonly note?: (level: 'info' | 'warn', text: string, facts: Readonly<Record<string, string | number>>) => void;
}

export interface ReplicaNodeConfig {
  readonly nodeId: string;
  readonly topology: TopologyDocument;
  readonly report: StoreReport;
}

/** A read; `consistency` is the keyspace's own when absent. */
export interface GetCommand {
  readonly keyspace: string;
  readonly key: Uint8Array;
  readonly consistency?: Consistency;
  /** The answer descends from it, else `STALE_READ` (P11). */
  readonly atLeast?: CausalContext;
  readonly timeoutMs: number;
}

/** A put, or a delete (`value` absent). Without `context` a put is blind and a delete deletes what a quorum sees. */
export interface WriteCommand extends Omit<GetCommand, 'atLeast'> {
  readonly value?: Uint8Array;
  readonly context?: CausalContext;
  readonly durability?: Durability;
  /** How long a put lives, in milliseconds; absent: as long as the keyspace says. */
  readonly ttlMs?: number;
  /** The same in a write that is sent again; it then has one effect (P12). */
  readonly idempotencyToken?: Uint8Array;
}

/** A page of a scan: the records after `after` in the order (partition, hash, key), at most about `maxRecords`. */
export interface ScanCommand {
  readonly keyspace: string;
  readonly consistency?: Consistency;
  readonly after?: ScanCursor;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** Where a scan stands. */
export interface ScanCursor {
  readonly partition: number;
  /** Absent: at the partition's beginning. */
  readonly place?: ScanPlace;
}

export interface ScanPageResult {
  readonly records: ScanResult['records'];
  /** Where the next page starts; absent at the end of the keyspace. */
  readonly next: ScanCursor | undefined;
}

/** A node of the cluster, ready to answer. */
export interface ReplicaNode extends AsyncDisposable {
  get(command: GetCommand): Promise<GetResult>;
  /** Puts or deletes. A `StoreError` of effect `unknown` means in doubt. */
  write(command: WriteCommand): Promise<WriteResult>;
  scanPage(command: ScanCommand): Promise<ScanPageResult>;
  /** Answers a peer. */
  handle(request: PeerRequest): Promise<PeerResponse>;
  /** Takes a membership message from a peer. */
  hear(from: string, message: GossipMessage): void;
  /** What this node holds of each other one; empty without a gossip transport. */
  members(): readonly Claim[];
  topology(): TopologyDocument;
  /** The keyspace of that name (empty: `default`), looked up in the store if this node has not heard of it. `KEYSPACE_NOT_FOUND`. */
  keyspace(name: string): Keyspace | Promise<Keyspace>;
  /** Takes a newer version of the topology. */
  learnTopology(document: TopologyDocument): void;
  /** Takes note of something the store cannot read back ({@link DamageReport}). */
  learnDamage(report: DamageReport): void;
  /** Changes the topology by compare-and-set, again from the newest version if another writer was first. */
  changeTopology(change: (document: TopologyDocument) => TopologyDocument): Promise<TopologyDocument>;
  status(): ReplicaStatus;
  /** Settles (never rejects) with the reason if this node must stop. */
  readonly failed: Promise<StoreError>;
  /** Refuses new work, waits for what is in flight, leaves the state of a clean close. The store stays open. */
  close(): Promise<void>;
}

const CHANGE_ATTEMPTS = 20;

/**
 * Starts a replica on an open store. Resolves when the node's own state is durable; it may still be unverified or
 * recovering then ({@link ReplicaNode.status}). Rejects if the image belongs to another cluster or the id is taken.
 */
export async function openReplicaNode(ports: ReplicaPorts, config: ReplicaNodeConfig): Promise<ReplicaNode> {
  const system = await ports.store.get(SYSTEM_KEYSPACE, SYSTEM_STATE_KEY).then(
    (record): Outcome<Uint8Array | undefined> => ({ ok: true, value: record?.value }),
    (error: unknown): Outcome<Uint8Array | undefined> => ({ ok: false, error: StoreError.from(error) }),
  );
  const core = new ReplicaCore({
    nodeId: config.nodeId,
    incarnation: hex(ports.random.bytes(16)),
    topology: config.topology,
    report: config.report,
    system,
    random: () => fraction(ports.random.bytes(4)),
  });
  const shell = new Shell(core, ports, config.nodeId);
  await shell.open();
  return shell;
}

class Shell implements ReplicaNode {
  readonly failed: Promise<StoreError>;
  readonly #core: ReplicaCore;
  readonly #ports: ReplicaPorts;
  readonly #nodeId: string;
  readonly #runner: EffectRunner;
  readonly #operations = new Map<number, Settle<GetResult | WriteResult | ScanResult>>();
  readonly #requests = new Map<number, Settle<PeerResponse>>();
  #nextId = 1;
  #queue: Event[] = [];
  #running = false;
  #closing: Promise<void> | undefined;
  #started: (() => void) | undefined;
  #stopped: (() => void) | undefined;
  #failure: StoreError | undefined;
  #fail!: (error: StoreError) => void;
  #idle: (() => void) | undefined;
  #fetching: Promise<void> | undefined;
  #membership: MembershipLoop | undefined;

  constructor(core: ReplicaCore, ports: ReplicaPorts, nodeId: string) {
    this.#core = core;
    this.#ports = ports;
    this.#nodeId = nodeId;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#runner = new EffectRunner(ports, nodeId, (event) => this.#dispatch(event), {
      reply: (op, outcome) => this.#settle(this.#operations, op, outcome),
      respond: (id, outcome) => this.#settle(this.#requests, id, outcome),
      started: () => this.#started?.(),
      stopped: () => this.#stopped?.(),
      failStop: (error) => this.#failStop(error),
      fetchTopology: () => void this.#fetchTopology(),
      doubt: (node) => this.#membership?.doubt(node),
    });
  }

  async open(): Promise<void> {
    const started = new Promise<void>((resolve) => {
      this.#started = resolve;
    });
    this.#dispatch({ type: 'start' });
    const failure = await Promise.race([started, this.failed]);
    if (failure !== undefined) throw failure;
    this.#membership = openMembershipLoop(this.#ports, {
      self: this.#nodeId,
      topology: () => this.#core.topology(),
      boot: () => this.#core.boot,
      report: ({ node, state }) => this.#dispatch({ type: 'liveness', node, liveness: state }),
    });
  }

  async get(command: GetCommand): Promise<GetResult> {
    const keyspace = await this.keyspace(command.keyspace);
    const { key, timeoutMs, atLeast, consistency = keyspace.readConsistency } = command;
    return (await this.#run({ type: 'get', keyspace, key, consistency, atLeast, timeoutMs })) as GetResult;
  }

  async write(command: WriteCommand): Promise<WriteResult> {
    const keyspace = await this.keyspace(command.keyspace);
    const {
      key,
      timeoutMs,
      context,
      consistency = keyspace.writeConsistency,
      durability = keyspace.durability,
      ttlMs,
      idempotencyToken,
    } = command;
    const type = command.value === undefined ? 'delete' : 'put';
    const value = command.value ?? new Uint8Array();
    return (await this.#run({
      type,
      keyspace,
      key,
      value,
      context,
      consistency,
      durability,
      ttlMs,
      idempotencyToken,
      timeoutMs,
    })) as WriteResult;
  }

  async scanPage(command: ScanCommand): Promise<ScanPageResult> {
    const keyspace = await this.keyspace(command.keyspace);
    const topology = this.#core.topology();
    const {
      maxRecords,
      maxBytes,
      timeoutMs,
      consistency = keyspace.readConsistency,
      after = { partition: 0 },
    } = command;
    const { partition } = after;
    const page = {
      type: 'scan',
      keyspace,
      partition,
      after: after.place,
      maxRecords,
      maxBytes,
      consistency,
      timeoutMs,
    } as const;
    const { records, next } = (await this.#run(page)) as ScanResult;
    if (next !== undefined) return { records, next: { partition, place: { keyspaceId: keyspace.id, ...next } } };
    return { records, next: partition + 1 < topology.table.length ? { partition: partition + 1 } : undefined };
  }

  handle(request: PeerRequest): Promise<PeerResponse> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#stopped !== undefined) return Promise.reject(new StoreError('SHUTTING_DOWN'));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#requests.set(id, { resolve, reject });
      this.#dispatch({ type: 'request', id, request });
    });
  }

  hear(from: string, message: GossipMessage): void {
    this.#membership?.hear(from, message);
  }

  members(): readonly Claim[] {
    return this.#membership?.claims() ?? [];
  }

  topology(): TopologyDocument {
    return this.#core.topology();
  }

  keyspace(name: string): Keyspace | Promise<Keyspace> {
    const wanted = name === '' ? 'default' : name;
    const known = this.#core.topology().keyspaces.find((keyspace) => keyspace.name === wanted);
    if (known !== undefined) return known;
    // One look at the store serves all who wait for it.
    this.#fetching ??= this.#fetchTopology().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching.then(() => keyspaceNamed(this.#core.topology(), wanted));
  }

  learnTopology(document: TopologyDocument): void {
    this.#dispatch({ type: 'topology', document });
  }

  learnDamage(report: DamageReport): void {
    this.#dispatch({ type: 'damage', report });
  }

  async changeTopology(change: (document: TopologyDocument) => TopologyDocument): Promise<TopologyDocument> {
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      const present = (await this.#ports.topologyStore.read()) ?? this.#core.topology();
      this.learnTopology(present);
      const changed = change(present);
      if ((await this.#ports.topologyStore.publish(changed)) === 'done') {
        this.learnTopology(changed);
        return changed;
      }
    }
    throw new StoreError('TOPOLOGY_CONFLICT', { message: `other writers were first ${CHANGE_ATTEMPTS} times` });
  }

  status(): ReplicaStatus {
    return this.#core.status();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (this.#failure !== undefined) return;
    if (this.#operations.size + this.#requests.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    this.#dispatch({ type: 'stop' });
    await Promise.race([stopped, this.failed]);
    this.#runner.close();
    this.#membership?.close();
  }

  #run(command: ClientCommand): Promise<GetResult | WriteResult | ScanResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing !== undefined) return Promise.reject(new StoreError('SHUTTING_DOWN'));
    return new Promise((resolve, reject) => {
      const op = this.#nextId++;
      this.#operations.set(op, { resolve, reject });
      this.#dispatch({ type: 'client', op, command });
    });
  }

  /** The one loop: an event, its effects in order, then the next event. Events raised meanwhile wait their turn. */
  #dispatch(event: Event): void {
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    const wallMs = this.#ports.clock.wallMs();
    try {
      for (let at = 0; at < this.#queue.length; at++) {
        for (const effect of this.#core.step(this.#queue[at]!, wallMs)) this.#runner.run(effect);
      }
    } finally {
      this.#queue = [];
      this.#running = false;
    }
  }

  #settle<T>(table: Map<number, Settle<T>>, id: number, outcome: Outcome<T>): void {
    const settle = table.get(id);
    invariant(settle !== undefined, 'INV-REPL-0', `operation ${id} was answered twice`);
    table.delete(id);
    if (outcome.ok) settle.resolve(outcome.value);
    else settle.reject(outcome.error);
    if (this.#operations.size + this.#requests.size === 0) this.#idle?.();
  }

  async #fetchTopology(): Promise<void> {
    try {
      const document = await this.#ports.topologyStore.read();
      if (document !== undefined) this.learnTopology(document);
    } catch (error) {
      this.#ports.note?.('warn', 'the topology store is away', { error: String(error) });
    }
  }

  #failStop(error: StoreError): void {
    this.#failure = error;
    this.#runner.close();
    this.#membership?.close();
    for (const table of [this.#operations, this.#requests]) {
      for (const { reject } of table.values()) reject(error.withEffect('unknown'));
      table.clear();
    }
    this.#idle?.();
    this.#fail(error);
  }
}

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: StoreError) => void;
}
