import { latin1 } from '../core/bytes.ts';
import type { MutationName } from '../core/mutation.ts';
import { decodeVersions } from '../core/record.ts';
import { partitionOfKey, replicasOf } from '../core/replicas.ts';
import { formTopology, type TopologyDocument } from '../core/topology.ts';
import { checkHistory } from './checker.ts';
import { checkTrees, divergences, tombstones } from './convergence.ts';
import type { Violation } from './history.ts';
import { Nemesis } from './nemesis.ts';
import { Prng } from './prng.ts';
import { drawScenario, type Scenario, type ScenarioPreset } from './scenario.ts';
import { SimClients, seenValues } from './sim-clients.ts';
import { SimDisk } from './sim-disk.ts';
import { SimNetwork } from './sim-network.ts';
import { SimNode, type SimWorld } from './sim-node.ts';
import { SimTopologyStore } from './sim-topology-store.ts';
import { Timeline } from './timeline.ts';
import { TraceHash } from './trace-hash.ts';

export interface SimOptions {
  /** What is fixed rather than drawn from the seed. */
  readonly preset?: ScenarioPreset;
  /** Bugs to plant. */
  readonly mutations?: readonly MutationName[];
}

/** What a run came to. */
export interface SimResult {
  readonly violations: readonly Violation[];
  readonly events: number;
  readonly ops: number;
  readonly faults: number;
  /** Fingerprint of everything that happened: equal for equal seeds and options. */
  readonly hash: string;
}

/** A healed cluster has this long, in virtual milliseconds, until every node serves. */
const HEAL_MS = 60_000;
/** Longer than any message is under way. */
const DRAIN_MS = 3_000;
/** All replicas are equal this long after all nodes serve, where anti-entropy runs. */
const CONVERGE_MS = 30_000;
/** And no tombstone is left this long after the last reads, where replicas forget. */
const FORGET_MS = 30_000;
const FINAL_READS_MAX = 5;

/** One run: load and faults, then healing, then every key read at ALL. The same arguments give the same run. */
export function runSeed(seed: number, options: SimOptions = {}): SimResult {
  const scenario = drawScenario(seed, options.preset);
  const violations: Violation[] = [];
  const timeline = new Timeline();
  const trace = new TraceHash();
  const topology = topologyOf(scenario);
  const stream = (name: string): Prng => new Prng(seed, name);
  const network = new SimNetwork(timeline, stream('network'), scenario.network, (to, request, respond) =>
    nodes.find(({ id }) => id === to)!.request(request, respond),
  );
  const store = new SimTopologyStore(timeline, stream('store'), scenario.storeMs);
  const world: SimWorld = {
    seed,
    timeline,
    network,
    store,
    topology,
    trace,
    mutations: new Set(options.mutations),
    antiEntropyMs: scenario.antiEntropyMs,
    forgetMs: scenario.forgetMs,
    violated: (rule, what) => violations.push({ rule, what: `${what} (at ${timeline.now} ms)` }),
  };
  const nodes = topology.nodes.map(
    ({ id }) =>
      new SimNode(id, new SimDisk(timeline, stream(`disk ${id}`), scenario.disk, scenario.partitionBits), world),
  );
  for (const node of nodes) node.start();
  const clients = new SimClients({ nodes, topology, timeline, trace }, stream('clients'), scenario);
  const nemesis = new Nemesis({ nodes, network, store, timeline, trace }, stream('nemesis'), scenario);

  timeline.runUntil(scenario.loadMs);
  clients.close();
  network.calm();
  nemesis.healAll();
  const { faults } = nemesis;
  if (!runUntilServing(timeline, nodes)) {
    for (const node of nodes.filter(({ serving }) => !serving))
      world.violated('not-live', `${node.id} does not serve: ${JSON.stringify(node.status)}`);
  } else {
    timeline.runUntil(timeline.now + DRAIN_MS);
    if (Number.isFinite(scenario.antiEntropyMs)) {
      const left = runUntilNone(timeline, CONVERGE_MS, () => divergences(nodes, topology));
      for (const what of left.slice(0, 1)) world.violated('not-converged', what);
    }
    readEveryKey(timeline, clients, nodes, stream('final reads'), (what) => world.violated('not-live', what));
    collectFinals(clients, nodes, topology);
    if (Number.isFinite(scenario.forgetMs)) {
      const left = runUntilNone(timeline, FORGET_MS, () => tombstones(nodes));
      for (const what of left.slice(0, 1)) world.violated('not-forgotten', what);
    }
    for (const what of checkTrees(nodes, topology)) world.violated('tree-out-of-step', what);
  }
  violations.push(...checkHistory(clients.history));
  return { violations, events: timeline.events, ops: clients.ops, faults, hash: trace.digest() };
}

function topologyOf({ nodes, partitionBits, replicationFactor }: Scenario): TopologyDocument {
  const members = Array.from({ length: nodes }, (_, at) => ({
    id: `n${at + 1}`,
    host: `h${at + 1}`,
    zone: 'z',
    weight: 1,
    rpc: `h${at + 1}:1`,
    fabric: `h${at + 1}:2`,
  }));
  const formed = formTopology(members, { partitionBits });
  return { ...formed, keyspaces: formed.keyspaces.map((each) => ({ ...each, replicationFactor })) };
}

/** Runs on until every node serves; false if that does not happen in time. */
function runUntilServing(timeline: Timeline, nodes: readonly SimNode[]): boolean {
  const end = timeline.now + HEAL_MS;
  while (timeline.now < end) {
    for (const node of nodes) node.start();
    if (nodes.every(({ serving }) => serving)) return true;
    timeline.runUntil(timeline.now + 50);
  }
  return false;
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

function readEveryKey(
  timeline: Timeline,
  clients: SimClients,
  nodes: readonly SimNode[],
  prng: Prng,
  failed: (what: string) => void,
): void {
  for (const key of clients.keys) {
    const attempt = { ok: false };
    for (let count = 0; count < FINAL_READS_MAX && !attempt.ok; count++) {
      clients.readAtAll(prng.pick(nodes), key, 2_000, (ok) => {
        attempt.ok = ok;
      });
      timeline.runUntil(timeline.now + 2_500);
    }
    if (!attempt.ok) failed(`${latin1(key)} cannot be read at ALL`);
  }
}

function collectFinals(clients: SimClients, nodes: readonly SimNode[], topology: TopologyDocument): void {
  const keyspace = topology.keyspaces[0]!;
  for (const key of clients.keys) {
    for (const id of replicasOf(topology, keyspace, partitionOfKey(topology, key))) {
      const stored = nodes.find((node) => node.id === id)?.disk.peek(keyspace.id, key);
      const versions = decodeVersions(stored);
      clients.history.finals.push({
        key: latin1(key),
        node: id,
        context: versions.context,
        values: seenValues(versions),
      });
    }
  }
}
