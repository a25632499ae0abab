import { StoreError } from '@ferrite/errors';
import type { Effect, ScanResult } from '../core/effect.ts';
import type { ClientCommand, Event } from '../core/event.ts';
import { SYSTEM_KEYSPACE } from '../core/limits.ts';
import type { GetResult, Outcome, PeerRequest, PeerResponse, WriteResult } from '../core/message.ts';
import type { MutationName } from '../core/mutation.ts';
import { ReplicaCore, type ReplicaStatus } from '../core/replica-core.ts';
import { SYSTEM_STATE_KEY } from '../core/system-state.ts';
import type { TopologyDocument } from '../core/topology.ts';
import type { Rule } from './history.ts';
import { Prng } from './prng.ts';
import type { SimDisk } from './sim-disk.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimTopologyStore } from './sim-topology-store.ts';
import type { Appointment, Timeline } from './timeline.ts';
import type { TraceHash } from './trace-hash.ts';

/** Unix milliseconds at the start of every run. */
const WALL_START_MS = 1_700_000_000_000;

export type ClientAnswer = Outcome<GetResult | WriteResult | ScanResult>;

/** What the nodes of a run share. */
export interface SimWorld {
  readonly seed: number;
  readonly timeline: Timeline;
  readonly network: SimNetwork;
  readonly store: SimTopologyStore;
  readonly topology: TopologyDocument;
  readonly trace: TraceHash;
  readonly mutations: ReadonlySet<MutationName>;
  readonly antiEntropyMs: number;
  readonly forgetMs: number;
  /** A node broke one of its own rules. */
  violated(rule: Rule, what: string): void;
}

/** A machine with a disk, on which one process at a time runs the real core. */
export class SimNode {
  readonly id: string;
  readonly disk: SimDisk;
  readonly #world: SimWorld;
  #process: SimProcess | undefined;
  #lives = 0;
  #stopping = false;

  constructor(id: string, disk: SimDisk, world: SimWorld) {
    this.id = id;
    this.disk = disk;
    this.#world = world;
  }

  get up(): boolean {
    return this.#process !== undefined;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get status(): ReplicaStatus | undefined {
    return this.#process?.core.status();
  }

  get serving(): boolean {
    return !this.#stopping && this.status?.state === 'serving';
  }

  /** What the running core says that this node holds; `undefined` if it cannot say. */
  treeRoot(partition: number, keyspaceId: number): bigint | undefined {
    return this.#process?.core.treeRoot(partition, keyspaceId);
  }

  start(): void {
    if (this.#process !== undefined) return;
    const report = this.disk.open();
    const prng = new Prng(this.#world.seed, `${this.id} life ${++this.#lives}`);
    const incarnation = Array.from({ length: 32 }, () => prng.int(16).toString(16)).join('');
    const core = new ReplicaCore({
      nodeId: this.id,
      incarnation,
      topology: this.#world.topology,
      report,
      system: { ok: true, value: this.disk.peek(SYSTEM_KEYSPACE, SYSTEM_STATE_KEY) },
      random: () => prng.next(),
      antiEntropyEveryMs: this.#world.antiEntropyMs,
      forgetEveryMs: this.#world.forgetMs,
      mutations: this.#world.mutations,
    });
    const process = new SimProcess(core, this, this.#world);
    this.#process = process;
    this.disk.onDamage = (report) => process.raise({ type: 'damage', report });
    this.#process.raise({ type: 'start' });
  }

  /** The process ends without a word. */
  crash(torn = false): void {
    if (!this.#end()) return;
    this.disk.crash(torn);
  }

  /** Asks the process to end in order: it takes no more requests, and closes the disk when it is done. */
  stop(): void {
    this.#stopping = this.up;
    this.#process?.raise({ type: 'stop' });
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** False if no process runs here. */
  request(request: PeerRequest, respond: (outcome: Outcome<PeerResponse>) => void): boolean {
    if (this.#stopping) respond({ ok: false, error: new StoreError('SHUTTING_DOWN') });
    else this.#process?.request(request, respond);
    return this.#process !== undefined;
  }

  /** False if no process runs here; otherwise `reply` may be called, or never. */
  client(op: number, command: ClientCommand, reply: (answer: ClientAnswer) => void): boolean {
    if (this.#stopping) reply({ ok: false, error: new StoreError('SHUTTING_DOWN') });
    else this.#process?.client(op, command, reply);
    return this.#process !== undefined;
  }

  /** The process has ended by itself. */
  ended(how: 'stopped' | StoreError): void {
    this.#end();
    if (how === 'stopped') this.disk.close();
    else {
      this.disk.crash();
      this.#world.violated('fail-stop', `${this.id}: ${how.message}`);
    }
  }

  #end(): boolean {
    if (this.#process === undefined) return false;
    this.#process.kill();
    this.#process = undefined;
    this.#stopping = false;
    this.#world.network.reset(this.id);
    return true;
  }
}

/** One life of a node: the loop that the shell runs in production, with virtual time and the simulated ports. */
class SimProcess {
  readonly core: ReplicaCore;
  readonly #node: SimNode;
  readonly #world: SimWorld;
  readonly #timers = new Map<number, Appointment>();
  readonly #responders = new Map<number, (outcome: Outcome<PeerResponse>) => void>();
  readonly #clients = new Map<number, (answer: ClientAnswer) => void>();
  /** What happened during a pause, and what an event leads to at once: the latter comes first, as it does in the shell. */
  readonly #backlog: Event[] = [];
  #queue: Event[] = [];
  #nextRequest = 1;
  #running = false;
  #paused = false;
  #alive = true;

  constructor(core: ReplicaCore, node: SimNode, world: SimWorld) {
    this.core = core;
    this.#node = node;
    this.#world = world;
  }

  /** An event and its effects in order, then the next. */
  raise(event: Event): void {
    if (!this.#alive) return;
    if (this.#running) return void this.#queue.push(event);
    this.#backlog.push(event);
    this.#drain();
  }

  request(request: PeerRequest, respond: (outcome: Outcome<PeerResponse>) => void): void {
    const id = this.#nextRequest++;
    this.#responders.set(id, respond);
    this.raise({ type: 'request', id, request, wallMs: this.#wallMs() });
  }

  client(op: number, command: ClientCommand, reply: (answer: ClientAnswer) => void): void {
    this.#clients.set(op, reply);
    this.raise({ type: 'client', op, command, wallMs: this.#wallMs() });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
  }

  kill(): void {
    this.#alive = false;
    for (const timer of this.#timers.values()) timer.run = undefined;
  }

  #drain(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#alive && !this.#paused && this.#backlog.length > 0) {
        this.#queue = [this.#backlog.shift()!];
        for (let at = 0; at < this.#queue.length; at++) this.#step(this.#queue[at]!);
      }
    } catch (error) {
      this.#world.violated('core-threw', `${this.#node.id}: ${error instanceof Error ? error.stack : String(error)}`);
      this.#node.crash();
    } finally {
      this.#running = false;
    }
  }

  #step(event: Event): void {
    if (!this.#alive) return;
    const ticket = 'ticket' in event ? event.ticket : 0;
    this.#world.trace.add(`${this.#world.timeline.now} ${this.#node.id} ${event.type} ${ticket}`);
    for (const effect of this.core.step(event)) if (this.#alive) this.#run(effect);
  }

  #run(effect: Effect): void {
    const { timeline, network, store, trace } = this.#world;
    const { disk, id } = this.#node;
    switch (effect.type) {
      case 'append': {
        const { ticket, keyspaceId, key, value } = effect;
        trace.bytes(value);
        const refused = disk.append(keyspaceId, key, value, () =>
          this.raise({ type: 'durable', ticket, failed: undefined }),
        );
        return this.raise({ type: 'accepted', ticket, refused });
      }
      case 'remove': {
        const { ticket, keyspaceId, key } = effect;
        trace.bytes(key);
        const refused = disk.append(keyspaceId, key, undefined, () =>
          this.raise({ type: 'durable', ticket, failed: undefined }),
        );
        return this.raise({ type: 'accepted', ticket, refused });
      }
      case 'dropPartition': {
        const { ticket, keyspaceId, partition } = effect;
        disk.dropPartition(keyspaceId, partition, () => this.raise({ type: 'durable', ticket, failed: undefined }));
        return this.raise({ type: 'accepted', ticket, refused: undefined });
      }
      case 'read': {
        const { ticket, keyspaceId, key } = effect;
        return disk.read(keyspaceId, key, (outcome) => this.raise({ type: 'read', ticket, outcome }));
      }
      case 'page':
        return disk.page(effect, (outcome) => this.raise({ type: 'page', ticket: effect.ticket, outcome }));
      case 'send': {
        const { ticket, to, request, timeoutMs } = effect;
        trace.add(request.type);
        return network.call(id, to, request, timeoutMs, (outcome) => this.raise({ type: 'peer', ticket, outcome }));
      }
      case 'timer': {
        const { ticket, afterMs } = effect;
        const fire = (): void => {
          this.#timers.delete(ticket);
          this.raise({ type: 'timer', ticket });
        };
        return void this.#timers.set(ticket, timeline.after(afterMs, fire));
      }
      case 'cancel': {
        const timer = this.#timers.get(effect.ticket);
        if (timer !== undefined) timer.run = undefined;
        return void this.#timers.delete(effect.ticket);
      }
      case 'register': {
        const { ticket, boot, incarnation } = effect;
        return store.register(id, boot, incarnation, (outcome) => this.raise({ type: 'registered', ticket, outcome }));
      }
      case 'respond':
        this.#responders.get(effect.id)?.(effect.outcome);
        return void this.#responders.delete(effect.id);
      case 'reply': {
        const { op, outcome } = effect;
        const reply = this.#clients.get(op);
        if (reply === undefined) return this.#world.violated('answered-twice', `${id} answers request ${op} again`);
        this.#clients.delete(op);
        return reply(outcome);
      }
      case 'stopped':
        return this.#node.ended('stopped');
      case 'failStop':
        return this.#node.ended(effect.error);
      default:
        // Nothing to do for `started`, `note` and `fetchTopology`: the table never changes in a run.
        return;
    }
  }

  #wallMs(): number {
    return Math.floor(WALL_START_MS + this.#world.timeline.now);
  }
}
