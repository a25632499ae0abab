import { withoutTime } from '@ferrite/vector-clock';
import { latin1 } from '../core/bytes.ts';
import type { MutationName } from '../core/mutation.ts';
import { decodeVersions } from '../core/record.ts';
import { partitionOfKey, replicasOf } from '../core/replicas.ts';
import { type TopologyDocument } from '../core/topology.ts';
import { formTopology } from '../core/topology-keyspaces.ts';
import { checkHistory } from './checker.ts';
import { checkTrees, divergences, leftBehind, openMoves, tombstones } from './convergence.ts';
import { spreadFalseRumours } from './false-rumours.ts';
import type { Kept, Violation } from './history.ts';
import { checkLiveness } from './liveness.ts';
import { Nemesis } from './nemesis.ts';
import { Prng } from './prng.ts';
import {
  drawScenario,
  type Fault,
  NEVER_MS,
  type Scenario,
  type ScenarioPreset,
  type ScriptedRequest,
} from './scenario.ts';
import { SimClients, seenValues } from './sim-clients.ts';
import { SimClock } from './sim-clock.ts';
import { SimDisk } from './sim-disk.ts';
import { SimNetwork } from './sim-network.ts';
import { SimNode, type SimWorld } from './sim-node.ts';
import { SimTopologyStore } from './sim-topology-store.ts';
import { Timeline } from './timeline.ts';
import { describeNode } from './topology-nemesis.ts';
import { TraceHash } from './trace-hash.ts';

export interface SimOptions {
  /** What is fixed rather than drawn from the seed. */
  readonly preset?: ScenarioPreset;
  /** Bugs to plant. */
  readonly mutations?: readonly MutationName[];
  /** Is told all that happens, line by line. */
  readonly record?: (line: string) => void;
}

/** What a run came to. */
export interface SimResult {
  readonly violations: readonly Violation[];
  readonly events: number;
  readonly ops: number;
  /** Faults injected, by kind. */
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  /** What went wrong and what was asked before the healing, by name. */
  readonly injected: readonly string[];
  readonly issued: readonly ScriptedRequest[];
  /** How long the load lasted, in virtual milliseconds. */
  readonly loadMs: number;
  /** Fingerprint of everything that happened: equal for equal seeds and options. */
  readonly hash: string;
}

/** Load that has met too few events goes on in such steps, but not for ever. */
const LOAD_STEP_MS = 250;
const LOAD_MAX_MS = 600_000;
/** All replicas are equal this long after all nodes serve, where anti-entropy runs. */
const CONVERGE_MS = 30_000;
/** And no tombstone is left this long after the last reads, where replicas forget. */
const FORGET_MS = 30_000;
/** All moves are done this long after everything is well, and old owners have dropped what they had. */
const MOVES_MS = 60_000;
const LOOK_MS = 500;

/** {@link runScenario} with the scenario of the seed. */
export function runSeed(seed: number, options: SimOptions = {}): SimResult {
  return runScenario(seed, drawScenario(seed, options.preset), options);
}

/** One run: load and faults, then healing, then proof that all of it lives. The same arguments give the same run. */
export function runScenario(seed: number, scenario: Scenario, options: Omit<SimOptions, 'preset'> = {}): SimResult {
  const violations: Violation[] = [];
  const timeline = new Timeline();
  const { record } = options;
  const trace = new TraceHash(record && ((line) => record(`${timeline.now.toFixed(3)} ${line}`)));
  const topology = topologyOf(scenario);
  const stream = (name: string): Prng => new Prng(seed, scenario.salt === 0 ? name : `${name}, ${scenario.salt}`);
  const network = new SimNetwork(timeline, stream('network'), scenario.network, (to, request, respond) =>
    machines.find(({ id }) => id === to)!.request(request, respond),
  );
  const store = new SimTopologyStore(timeline, stream('store'), scenario.storeMs, topology);
  const world: SimWorld = {
    seed,
    timeline,
    network,
    store,
    moving: scenario.faults.topology > 0,
    lookMs: scenario.lookMs,
    trace,
    mutations: new Set(options.mutations),
    cacheBytes: scenario.cacheBytes,
    antiEntropyMs: scenario.antiEntropyMs,
    forgetMs: scenario.forgetMs,
    violated: (rule, what) => violations.push({ rule, what: `${what} (at ${timeline.now} ms)` }),
  };
  const machines = Array.from({ length: scenario.nodes + scenario.spares }, (_, index) => {
    const { id } = describeNode(index + 1);
    const disk = new SimDisk(timeline, stream(`disk ${id}`), scenario.disk, scenario.partitionBits);
    const rate = 1 + new Prng(seed, `clock ${id}`).between(-scenario.drift, scenario.drift);
    return new SimNode(id, index, { disk, clock: new SimClock(timeline, rate) }, world);
  });
  for (const node of machines.slice(0, scenario.nodes)) {
    node.remember(topology);
    node.start();
  }
  let nodes = machines.slice(0, scenario.nodes);
  store.onPublish = (document) => {
    const gone = nodes.filter(({ id }) => !document.nodes.some((each) => each.id === id));
    nodes = machines.filter(({ id }) => document.nodes.some((each) => each.id === id));
    // Whoever has left is switched off some time later.
    for (const node of gone) timeline.after(500, () => node.crash());
  };
  const clients = new SimClients(
    {
      get nodes() {
        return nodes;
      },
      copies: world.moving
        ? { replicas: scenario.replicationFactor, moved: true }
        : { replicas: Math.min(scenario.replicationFactor, scenario.nodes) },
      topology,
      timeline,
      trace,
      violated: (rule, what) => world.violated(rule, what),
    },
    seed,
    scenario,
  );
  spreadFalseRumours(() => nodes, timeline, stream('rumours'));
  const nemesis = new Nemesis(
    {
      get nodes() {
        return nodes;
      },
      machines,
      network,
      store,
      timeline,
      trace,
    },
    seed,
    scenario,
  );

  timeline.runUntil(scenario.loadMs);
  while (timeline.events < scenario.eventsMin && timeline.now < LOAD_MAX_MS)
    timeline.runUntil(timeline.now + LOAD_STEP_MS);
  const loadMs = timeline.now;
  clients.close();
  network.calm();
  for (const { disk } of machines) disk.calm();
  nemesis.healAll();
  if (world.moving) lookOften(timeline, machines);
  const [stuck] = runUntilNone(timeline, MOVES_MS, () => {
    // A process that has ended by itself is started again, as often as it takes.
    for (const node of nodes) node.start();
    return openMoves(store.document, nodes);
  });
  if (stuck !== undefined) world.violated('not-live', stuck);
  const { faults } = nemesis;
  clients.history.kept = keptUnder(faults);
  const ending = {
    timeline,
    nodes,
    clients,
    prng: stream('end'),
    failed: (what: string): void => world.violated('not-live', what),
    quiet: (): void => {
      if (scenario.antiEntropyMs >= NEVER_MS) return;
      const [what] = runUntilNone(timeline, CONVERGE_MS, () => divergences(nodes, store.document));
      if (what !== undefined) world.violated('not-converged', what);
    },
  };
  if (checkLiveness(ending)) {
    collectFinals(clients, nodes, store.document);
    const held = scenario.forgetMs < NEVER_MS ? runUntilNone(timeline, FORGET_MS, () => tombstones(nodes)) : [];
    for (const what of held.slice(0, 1)) world.violated('not-forgotten', what);
    for (const what of checkTrees(nodes, store.document)) world.violated('tree-out-of-step', what);
    const left = runUntilNone(timeline, MOVES_MS, () => leftBehind(nodes, store.document));
    for (const what of left.slice(0, 1)) world.violated('left-behind', what);
  }
  violations.push(...checkHistory(clients.history));
  const { injected } = nemesis;
  const { issued, ops } = clients;
  return { violations, events: timeline.events, ops, faults, injected, issued, loadMs, hash: trace.digest() };
}

/** From now on nobody stays behind the topology, however rarely it was looked for. */
function lookOften(timeline: Timeline, machines: readonly SimNode[]): void {
  for (const machine of machines) machine.look();
  timeline.after(LOOK_MS, () => lookOften(timeline, machines));
}

/** Runs on until nothing is found, and tells what is if that does not happen in time. */
function runUntilNone(timeline: Timeline, forMs: number, find: () => readonly string[]): readonly string[] {
  const end = timeline.now + forMs;
  for (;;) {
    const found = find();
    if (found.length === 0 || timeline.now >= end) return found;
    timeline.runUntil(timeline.now + 100);
  }
}

function topologyOf({
  nodes,
  partitionBits,
  replicationFactor,
  conflictPolicy,
  sloppyWrites,
}: Scenario): TopologyDocument {
  const members = Array.from({ length: nodes }, (_, at) => describeNode(at + 1));
  const formed = formTopology(members, { partitionBits, replicationFactor });
  return { ...formed, keyspaces: formed.keyspaces.map((each) => ({ ...each, conflictPolicy, sloppyWrites })) };
}

const TAKES_FLUSHED = new Set<Fault>([
  'wipe',
  'rollBack',
  'rollBackUnregistered',
  'rollBackUnseen',
  'tornTail',
  'rot',
  'rotTwo',
  'rotAtRest',
  'misread',
  'deviceSwapped',
  // A disk that cannot say whose it is and since when is taken for an older one: what it holds goes (INV-REPL-17).
  'rotSystem',
]);
const TAKES_ACCEPTED = new Set<Fault>(['crash', 'crashMid', 'crashAll', 'deviceFails']);

function keptUnder(faults: Readonly<Partial<Record<Fault, number>>>): Kept {
  const kinds = Object.keys(faults) as Fault[];
  if (kinds.some((kind) => TAKES_FLUSHED.has(kind))) return 'quorum';
  return kinds.some((kind) => TAKES_ACCEPTED.has(kind)) ? 'flushed' : 'accepted';
}

function collectFinals(clients: SimClients, nodes: readonly SimNode[], topology: TopologyDocument): void {
  const keyspace = topology.keyspaces[0]!;
  const latestMs = Math.max(...nodes.map(({ clock }) => clock.wallMs()));
  for (const key of clients.keys) {
    for (const id of replicasOf(topology, keyspace, partitionOfKey(topology, key))) {
      const stored = nodes.find((node) => node.id === id)?.disk.peek(keyspace.id, key);
      const versions = decodeVersions(stored);
      clients.history.finals.push({
        key: latin1(key),
        node: id,
        context: withoutTime(versions.context),
        // Whether what has expired is gone already is not the same everywhere.
        values: seenValues(versions).filter(({ expiresAtMs = 0 }) => expiresAtMs === 0 || expiresAtMs > latestMs),
      });
    }
  }
}
