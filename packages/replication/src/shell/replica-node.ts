import { invariant, StoreError } from '@ferrite/errors';
import type { ScanResult } from '../core/effect.ts';
import type { ClientCommand, DamageReport, Event } from '../core/event.ts';
import { SYSTEM_KEYSPACE } from '../core/limits.ts';
import type { Claim } from '../core/membership/claim.ts';
import type { GossipMessage } from '../core/membership/gossip-message.ts';
import type { GetResult, Outcome, PeerRequest, PeerResponse, WriteResult } from '../core/message.ts';
import { ReplicaCore, type ReplicaStatus } from '../core/replica-core.ts';
import { SYSTEM_STATE_KEY } from '../core/system-state.ts';
import { type Keyspace, keyspaceNamed, type TopologyDocument } from '../core/topology.ts';
import { dueSteps, type MoveStep, stepMoves } from '../core/topology-moves.ts';
import { EffectRunner } from './effect-runner.ts';
import { type MembershipLoop, openMembershipLoop } from './membership-loop.ts';
import { fraction, hex } from './random-numbers.ts';
import type {
  GetCommand,
  ReplicaCalls,
  ReplicaNode,
  ReplicaNodeConfig,
  ReplicaPorts,
  ScanCommand,
  ScanPageResult,
  Then,
  WriteCommand,
} from './replica-node-api.ts';

const CHANGE_ATTEMPTS = 20;
const EMPTY = new Uint8Array();

/**
 * Starts a replica on an open store. Resolves when the node's own state is durable; it may still be unverified or
 * recovering then ({@link ReplicaNode.status}). Rejects if the image belongs to another cluster or the id is taken.
 */
export async function openReplicaNode(ports: ReplicaPorts, config: ReplicaNodeConfig): Promise<ReplicaNode> {
  const system = await new Promise<Outcome<Uint8Array | undefined>>((resolve) => {
    ports.store.get(SYSTEM_KEYSPACE, SYSTEM_STATE_KEY, (failed, found) =>
      resolve(failed === undefined ? { ok: true, value: found?.value } : { ok: false, error: failed }),
    );
  });
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
  readonly #operations = new Map<number, Then<GetResult | WriteResult | ScanResult>>();
  readonly #requests = new Map<number, Then<PeerResponse>>();
  #nextId = 1;
  readonly #queue: Event[] = [];
  #running = false;
  #closing: Promise<void> | undefined;
  #started: (() => void) | undefined;
  #stopped: (() => void) | undefined;
  #failure: StoreError | undefined;
  #fail!: (error: StoreError) => void;
  #idle: (() => void) | undefined;
  #fetching: Promise<void> | undefined;
  #stepping = false;
  #membership: MembershipLoop | undefined;

  readonly calls: ReplicaCalls = {
    get: (command, then) => {
      const { keyspace, key, timeoutMs, atLeast, consistency = keyspace.readConsistency } = command;
      this.#run({ type: 'get', keyspace, key, consistency, atLeast, timeoutMs }, then);
    },
    write: (command, then) => {
      const { keyspace, key, value, context, ttlMs, idempotencyToken, timeoutMs } = command;
      const { consistency = keyspace.writeConsistency, durability = keyspace.durability } = command;
      const type = value === undefined ? 'delete' : 'put';
      const what = { type, keyspace, key, value: value ?? EMPTY, context } as const;
      this.#run({ ...what, consistency, durability, ttlMs, idempotencyToken, timeoutMs }, then);
    },
    handle: (request, then) => {
      const refusal = this.#failure ?? (this.#stopped && new StoreError('SHUTTING_DOWN'));
      if (refusal !== undefined) return then({ ok: false, error: refusal });
      const id = this.#nextId++;
      this.#requests.set(id, then);
      this.#dispatch({ type: 'request', id, request });
    },
  };

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
      fetchTopology: () => void this.#lookUp(),
      doubt: (node) => this.#membership?.doubt(node),
      stepMoves: (steps) => void this.#stepMoves(steps),
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
    return await settled((then) => this.calls.get({ ...command, keyspace }, then));
  }

  async write(command: WriteCommand): Promise<WriteResult> {
    const keyspace = await this.keyspace(command.keyspace);
    return await settled((then) => this.calls.write({ ...command, keyspace }, then));
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
    const { records, next } = await settled<ScanResult>((then) => this.#run(page, then));
    if (next !== undefined) return { records, next: { partition, place: { keyspaceId: keyspace.id, ...next } } };
    return { records, next: partition + 1 < topology.table.length ? { partition: partition + 1 } : undefined };
  }

  handle(request: PeerRequest): Promise<PeerResponse> {
    return settled((then) => this.calls.handle(request, then));
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

  knownKeyspace(name: string): Keyspace | undefined {
    const wanted = name === '' ? 'default' : name;
    return this.#core.topology().keyspaces.find((keyspace) => keyspace.name === wanted);
  }

  keyspace(name: string): Keyspace | Promise<Keyspace> {
    const known = this.knownKeyspace(name);
    if (known !== undefined) return known;
    return this.#lookUp().then(() => keyspaceNamed(this.#core.topology(), name === '' ? 'default' : name));
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

  /** The type of what comes is that which the core gives to this kind of command. */
  #run<T extends GetResult | WriteResult | ScanResult>(command: ClientCommand, then: Then<T>): void {
    const refusal = this.#failure ?? (this.#closing && new StoreError('SHUTTING_DOWN'));
    if (refusal !== undefined) return then({ ok: false, error: refusal });
    const op = this.#nextId++;
    this.#operations.set(op, then as Then<GetResult | WriteResult | ScanResult>);
    this.#dispatch({ type: 'client', op, command });
  }

  /** The one loop: an event, its effects in order, then the next event. Events raised meanwhile wait their turn. */
  #dispatch(event: Event): void {
    if (this.#running) return void this.#queue.push(event);
    this.#running = true;
    const wallMs = this.#ports.clock.wallMs();
    try {
      this.#step(event, wallMs);
      for (let at = 0; at < this.#queue.length; at++) this.#step(this.#queue[at]!, wallMs);
    } finally {
      this.#queue.length = 0;
      this.#running = false;
    }
  }

  #step(event: Event, wallMs: number): void {
    const effects = this.#core.step(event, wallMs);
    for (let at = 0; at < effects.length; at++) this.#runner.run(effects[at]!);
  }

  #settle<T>(table: Map<number, Then<T>>, id: number, outcome: Outcome<T>): void {
    const then = table.get(id);
    invariant(then !== undefined, 'INV-REPL-0', `operation ${id} was answered twice`);
    table.delete(id);
    then(outcome);
    if (this.#operations.size + this.#requests.size === 0) this.#idle?.();
  }

  /** One look at the store serves all who wait for it. */
  #lookUp(): Promise<void> {
    this.#fetching ??= this.#fetchTopology().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchTopology(): Promise<void> {
    try {
      const document = await this.#ports.topologyStore.read();
      if (document !== undefined) this.learnTopology(document);
    } catch (error) {
      this.#ports.note?.('warn', 'the topology store is away', { error: String(error) });
    }
  }

  /** Others may take the same steps, and be first. */
  async #stepMoves(steps: readonly MoveStep[]): Promise<void> {
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      await this.changeTopology((document) => stepMoves(document, dueSteps(document, steps)));
    } catch (error) {
      const { reason } = StoreError.from(error);
      if (reason !== 'TOPOLOGY_CONFLICT' && reason !== 'ARGUMENT_INVALID')
        this.#ports.note?.('warn', 'a step of a move could not be published', { error: String(error) });
    } finally {
      this.#stepping = false;
    }
  }

  #failStop(error: StoreError): void {
    this.#failure = error;
    this.#runner.close();
    this.#membership?.close();
    for (const table of [this.#operations, this.#requests]) {
      const waiting = [...table.values()];
      table.clear();
      for (const then of waiting) then({ ok: false, error: error.withEffect('unknown') });
    }
    this.#idle?.();
    this.#fail(error);
  }
}

function settled<T>(call: (then: Then<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((outcome) => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)));
  });
}
