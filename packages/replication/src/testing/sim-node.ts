import { StoreError } from '@ferrite/errors';
import type { ScanResult } from '../core/effect.ts';
import type { ClientCommand } from '../core/event.ts';
import { SYSTEM_KEYSPACE } from '../core/limits.ts';
import type { Liveness } from '../core/membership/claim.ts';
import type { GetResult, Outcome, PeerRequest, PeerResponse, WriteResult } from '../core/message.ts';
import type { MutationName } from '../core/mutation.ts';
import { ReplicaCore, type ReplicaStatus } from '../core/replica-core.ts';
import { decodeSystemState, SYSTEM_STATE_KEY } from '../core/system-state.ts';
import type { TopologyDocument } from '../core/topology.ts';
import type { Rule } from './history.ts';
import { Prng } from './prng.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimDisk } from './sim-disk.ts';
import type { SimNetwork } from './sim-network.ts';
import { SimProcess } from './sim-process.ts';
import type { SimTopologyStore } from './sim-topology-store.ts';
import type { Timeline } from './timeline.ts';
import type { TraceHash } from './trace-hash.ts';

/** A thousandth of what production takes, or a little more: messages take their time here too. */
const EXPIRY_PACE = { everyMs: 100, graceMs: 1_000, clockOffMsMax: 150 };

export type ClientAnswer = Outcome<GetResult | WriteResult | ScanResult>;

/** What the nodes of a run share. */
export interface SimWorld {
  readonly seed: number;
  readonly timeline: Timeline;
  readonly network: SimNetwork;
  readonly store: SimTopologyStore;
  /** The topology may change in this run. */
  readonly moving: boolean;
  readonly lookMs: number;
  readonly trace: TraceHash;
  readonly mutations: ReadonlySet<MutationName>;
  readonly cacheBytes: number;
  readonly antiEntropyMs: number;
  readonly forgetMs: number;
  /** A node broke one of its own rules. */
  violated(rule: Rule, what: string): void;
}

/** A machine with a disk, on which one process at a time runs the real core. */
export class SimNode {
  readonly id: string;
  /** Its place among the nodes. */
  readonly index: number;
  readonly disk: SimDisk;
  readonly clock: SimClock;
  readonly #world: SimWorld;
  #process: SimProcess | undefined;
  #lives = 0;
  #stopping = false;
  /** The last version of the topology that this node has stored; `undefined`: it is in none yet. */
  #remembered: TopologyDocument | undefined;

  constructor(
    id: string,
    index: number,
    machine: { readonly disk: SimDisk; readonly clock: SimClock },
    world: SimWorld,
  ) {
    this.id = id;
    this.index = index;
    this.disk = machine.disk;
    this.clock = machine.clock;
    this.#world = world;
  }

  /** Stores a version of the topology, if it is a newer one. */
  remember(document: TopologyDocument): void {
    if (document.epoch > (this.#remembered?.epoch ?? 0)) this.#remembered = document;
  }

  /** It has once been in the cluster: an id is never used again. */
  get used(): boolean {
    return this.#remembered !== undefined;
  }

  get up(): boolean {
    return this.#process !== undefined;
  }

  /** The newest topology has it. */
  get isMember(): boolean {
    return this.#world.store.document.nodes.some(({ id }) => id === this.id);
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

  /** Serves, nothing is in doubt, and so it would be after a crash: that nothing is missing is on the medium as well. */
  get settled(): boolean {
    const known = this.serving && this.status?.unnamedDamage === 0;
    const state = known ? this.disk.flushed(SYSTEM_KEYSPACE, SYSTEM_STATE_KEY) : undefined;
    if (state === undefined) return false;
    const { recovering, ambiguous, unreadable = [] } = decodeSystemState(state);
    return recovering.length + ambiguous.length + unreadable.length === 0;
  }

  /** What the running core says that this node holds; `undefined` if it cannot say. */
  treeRoot(partition: number, keyspaceId: number): bigint | undefined {
    return this.#process?.core.treeRoot(partition, keyspaceId);
  }

  /** A peer may have heard of the boot that the process is. */
  get greeted(): boolean {
    return this.#process?.greeted === true;
  }

  /** Requests of clients and peers that the process has not answered. */
  get unanswered(): number {
    return this.#process?.unanswered ?? 0;
  }

  start(): void {
    const topology = this.#remembered;
    // Who has left is not started again.
    if (this.#process !== undefined || topology === undefined || !this.isMember) return;
    const report = this.disk.open();
    const prng = new Prng(this.#world.seed, `${this.id} life ${++this.#lives}`);
    const incarnation = Array.from({ length: 32 }, () => prng.int(16).toString(16)).join('');
    const core = new ReplicaCore({
      nodeId: this.id,
      incarnation,
      topology,
      report,
      system: this.disk.readAtOpen(SYSTEM_KEYSPACE, SYSTEM_STATE_KEY),
      random: () => prng.next(),
      cacheBytes: this.#world.cacheBytes,
      antiEntropyEveryMs: this.#world.antiEntropyMs,
      forgetEveryMs: this.#world.forgetMs,
      expiry: EXPIRY_PACE,
      mutations: this.#world.mutations,
    });
    const process = new SimProcess(core, this, this.#world);
    this.#process = process;
    this.disk.onDamage = (report) => process.raise({ type: 'damage', report });
    process.raise({ type: 'start' });
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

  /** Looks for a newer topology. */
  look(): void {
    this.#process?.look();
  }

  /** The process dies in the middle of a step, after so many more effects. */
  dieAfter(effects: number): void {
    this.#process?.dieAfter(effects);
  }

  /** What membership tells it of another node. */
  hearOf(node: string, liveness: Liveness): void {
    this.#process?.raise({ type: 'liveness', node, liveness });
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** False if no process runs here. */
  request(request: PeerRequest, respond: (outcome: Outcome<PeerResponse>) => void): boolean {
    const { up } = this;
    if (this.#stopping) respond({ ok: false, error: new StoreError('SHUTTING_DOWN') });
    else this.#process?.request(request, respond);
    return up;
  }

  /** False if no process runs here; otherwise `reply` may be called, or never. */
  client(op: number, command: ClientCommand, reply: (answer: ClientAnswer) => void): boolean {
    const { up } = this;
    if (this.#stopping) reply({ ok: false, error: new StoreError('SHUTTING_DOWN') });
    else this.#process?.client(op, command, reply);
    return up;
  }

  /** The process has ended by itself. */
  ended(how: 'stopped' | StoreError): void {
    this.#end();
    if (how === 'stopped') this.disk.close();
    else {
      if (!this.disk.failing) this.#world.violated('fail-stop', `${this.id}: ${how.message}`);
      this.disk.crash();
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
