import { unreachable } from '@ferrite/errors';
import { Prng } from './prng.ts';
import { FAULTS, type Fault, type Scenario } from './scenario.ts';
import type { DiskImage } from './sim-disk.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';
import type { SimTopologyStore } from './sim-topology-store.ts';
import type { Timeline } from './timeline.ts';
import { changeTopology } from './topology-nemesis.ts';
import type { TraceHash } from './trace-hash.ts';

export interface NemesisTargets {
  /** The members of the cluster, as it is when it is asked for. */
  readonly nodes: readonly SimNode[];
  /** All machines, members or not. */
  readonly machines: readonly SimNode[];
  readonly network: SimNetwork;
  readonly store: SimTopologyStore;
  readonly timeline: Timeline;
  readonly trace: TraceHash;
}

/** A wall clock is set wrong by so much at most. */
const JUMP_MAX_MS = 3_600_000;
const EFFECTS_MAX = 30;

/**
 * Injects faults at the rates of the scenario and stays inside the fault model: processes, links, clocks and unflushed data
 * go at any time; what was flushed is lost on one disk at a time, and the next such loss waits until all nodes serve again.
 * A disk is rolled back only past a boot that was registered, and the topology store stays while a loss is unresolved: of a
 * boot nobody has heard of nobody can tell (P9). While the end of a log is missing, nothing else happens (P17).
 *
 * Each fault has a name, as `crash.3`, and draws from a generator of its own: leaving one out changes no other.
 */
export class Nemesis {
  readonly #targets: NemesisTargets;
  readonly #seed: number;
  readonly #images: Prng;
  readonly #scenario: Scenario;
  readonly #skip: ReadonlySet<string>;
  /** The disk of each node as it was before an earlier start. */
  readonly #earlier = new Map<SimNode, DiskImage>();
  /** The disk of each node as it was when its present process began. */
  readonly #starts = new Map<SimNode, DiskImage>();
  readonly #heals = new Set<() => void>();
  readonly #faults: Partial<Record<Fault, number>> = {};
  /** Names of the faults that were injected. */
  readonly injected: string[] = [];
  #lossUnresolved = false;
  /** Devices that will be replaced, though their node may run again before. */
  #swapsDue = 0;
  /** The node that recovers the end of its log. */
  #torn: SimNode | undefined;
  #open = true;

  constructor(targets: NemesisTargets, seed: number, scenario: Scenario) {
    this.#targets = targets;
    this.#seed = seed;
    this.#images = new Prng(seed, 'images');
    this.#scenario = scenario;
    this.#skip = new Set(scenario.skip);
    for (const fault of FAULTS) {
      const rate = scenario.faults[fault];
      if (rate > 0) this.#strikeLater(fault, 1_000 / rate, 1, new Prng(seed, `times of ${fault}`));
    }
  }

  /** Faults injected so far, by kind. */
  get faults(): Readonly<Partial<Record<Fault, number>>> {
    return this.#faults;
  }

  /** Ends every fault, and lets nothing happen any more. */
  healAll(): void {
    this.#open = false;
    for (const heal of this.#heals) heal();
    this.#heals.clear();
    for (const node of this.#targets.nodes) this.#start(node);
  }

  #strikeLater(fault: Fault, meanMs: number, count: number, times: Prng): void {
    const { timeline, trace } = this.#targets;
    timeline.after(meanMs * times.between(0.1, 1.9), () => {
      if (!this.#open) return;
      const name = `${fault}.${count}`;
      if (!this.#skip.has(name) && this.#strike(fault, new Prng(this.#seed, name))) {
        this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
        this.injected.push(name);
        trace.text(name);
        trace.record?.(`--- ${name} ---`);
      }
      this.#strikeLater(fault, meanMs, count + 1, times);
    });
  }

  /** False if it cannot be done now without leaving the fault model. */
  #strike(fault: Fault, prng: Prng): boolean {
    const { nodes, network, store } = this.#targets;
    const node = prng.pick(nodes);
    const { disk } = node;
    // A loss is resolved the moment all serve again, whether they still do when the next one is due or not.
    this.#allServe();
    // The one that recovers may die of it; all others stay where they can be reached.
    if (this.#torn !== undefined && !(fault === 'crash' && node === this.#torn)) return false;
    switch (fault) {
      case 'crash':
        return this.#down(node, prng, () => node.crash());
      case 'crashMid':
        if (!node.up) return false;
        node.dieAfter(1 + prng.int(EFFECTS_MAX));
        this.#later(prng, () => {
          node.dieAfter(Number.POSITIVE_INFINITY);
          this.#start(node);
        });
        return true;
      case 'crashAll':
        return nodes.map((each) => this.#down(each, prng, () => each.crash())).includes(true);
      case 'cleanRestart':
        node.stop();
        return this.#down(node, prng, () => {});
      case 'pause':
        node.pause();
        this.#later(prng, () => node.resume());
        return true;
      case 'clockJump':
        node.clock.jump(prng.between(-JUMP_MAX_MS, JUMP_MAX_MS));
        return true;
      case 'isolate':
        return this.#cut(prng, both(nodes.filter((each) => each !== node).map((each) => [node, each])));
      case 'split':
        return this.#cut(prng, both(pairs(nodes).filter(() => prng.chance(0.3))));
      case 'partial':
        return nodes.length > 2 && this.#cut(prng, both([prng.pick(pairs(nodes))]));
      case 'oneWay':
        return this.#cut(
          prng,
          nodes.filter((each) => each !== node && prng.chance(0.6)).map((each) => [node, each]),
        );
      case 'flaky':
        return this.#meanwhile(prng, network.disturb({ loss: prng.between(0.05, 0.4), duplication: 0.3, slowness: 1 }));
      case 'slowLinks':
        return this.#meanwhile(prng, network.disturb({ loss: 0, duplication: 0, slowness: prng.between(5, 50) }));
      case 'wipe':
        return this.#lose(node, prng, () => disk.wipe());
      case 'rollBack': {
        const image = this.#earlier.get(node);
        return image !== undefined && this.#lose(node, prng, () => disk.restore(image));
      }
      case 'rollBackUnregistered': {
        const image = this.#starts.get(node);
        if (image === undefined || !this.#isUnregistered(node)) return false;
        return this.#lose(node, prng, () => disk.restore(image), node);
      }
      case 'rollBackUnseen':
        return this.#rollBackUnseen(node, prng);
      case 'tornTail':
        return this.#mayLose() && this.#tearTail(node, prng);
      case 'rot':
        return this.#mayLose() && disk.rot(prng) !== undefined;
      case 'rotTwo':
        return this.#mayLose() && this.#rotTwo(node, prng);
      case 'rotAtRest':
        return this.#lose(node, prng, () => disk.rotAtRest(prng));
      case 'rotSystem':
        return this.#lose(node, prng, () => disk.rotSystem());
      case 'misread':
        if (!this.#mayLose()) return false;
        disk.misread(1 + prng.int(3));
        return true;
      case 'deviceFails':
      case 'deviceSwapped':
        return this.#deviceFails(node, prng, fault === 'deviceSwapped');
      case 'diskFull':
        disk.full++;
        return this.#meanwhile(prng, () => disk.full--);
      case 'diskSlow':
        return this.#meanwhile(prng, disk.slowDown(10 ** prng.between(1, 2)));
      case 'storeAway':
        if (this.#lossUnresolved) return false;
        store.absences++;
        return this.#meanwhile(prng, () => store.absences--);
      case 'topology':
        // Who has lost something needs those that have it: nobody takes them away meanwhile.
        return changeTopology({ ...this.#targets, nodes, mayShrink: !this.#lossUnresolved }, prng);
      case 'storeSlow':
        return this.#meanwhile(prng, store.slowDown(prng.between(5, 50)));
      default:
        return unreachable(fault);
    }
  }

  #cut(prng: Prng, links: readonly (readonly [SimNode, SimNode])[]): boolean {
    const heals = links.map(([from, to]) => this.#targets.network.cut(from.id, to.id));
    return this.#meanwhile(prng, () => {
      for (const heal of heals) heal();
    });
  }

  /** Ends a process and starts the next one some time later. */
  #down(node: SimNode, prng: Prng, end: () => void): boolean {
    if (!node.up) return false;
    end();
    this.#later(prng, () => this.#start(node));
    return true;
  }

  /** The device fails under a running process; whoever looks after the machine restarts it later, with a new one if so. */
  #deviceFails(node: SimNode, prng: Prng, swapped: boolean): boolean {
    if (!node.up || (swapped && !this.#mayLose())) return false;
    node.disk.fail();
    if (swapped) this.#swapsDue++;
    this.#later(prng, () => {
      node.crash();
      if (swapped) {
        this.#swapsDue--;
        node.disk.wipe();
      }
      this.#start(node);
    });
    return true;
  }

  #start(node: SimNode): void {
    // A close in order takes the time it takes.
    if (node.stopping && this.#open) return this.#later(this.#images, () => this.#start(node));
    if (node.up) return;
    // An image from before the start before this one: the boot after it has been registered if the node served since.
    if (this.#images.chance(0.5)) this.#earlier.set(node, node.disk.image());
    this.#starts.set(node, node.disk.image());
    node.start();
  }

  /**
   * A replica without the end of its log merges from every other that it can reach (P17): until it has, all of them can be
   * reached.
   */
  #tearTail(node: SimNode, prng: Prng): boolean {
    for (const heal of this.#heals) heal();
    this.#torn = node;
    return this.#down(node, prng, () => node.crash(true));
  }

  /** Two nodes lose a record each, and not the same: neither can mend the other's partition, both can mend a record. */
  #rotTwo(node: SimNode, prng: Prng): boolean {
    const first = node.disk.rot(prng);
    if (first === undefined) return false;
    prng.pick(this.#targets.nodes.filter((each) => each !== node)).disk.rot(prng, first);
    return true;
  }

  /** Nobody has heard of the boot that the node is in: rolled back to where it began, it comes as if for the first time. */
  #isUnregistered(node: SimNode): boolean {
    const { status } = node;
    return !node.greeted && status?.state === 'unverified' && this.#targets.store.bootOf(node.id) < status.boot;
  }

  /** All nodes end, the topology store is away when they come back, and one of them has an older disk: its peers must know. */
  #rollBackUnseen(node: SimNode, prng: Prng): boolean {
    const { nodes, store } = this.#targets;
    const image = this.#earlier.get(node);
    const greeted = nodes.every(
      ({ status }) => Object.values(status?.peers ?? {}).filter((why) => why === '').length === nodes.length - 1,
    );
    if (image === undefined || !greeted || !this.#mayLose()) return false;
    for (const each of nodes) each.crash();
    node.disk.restore(image);
    store.absences++;
    this.#later(prng, () => store.absences--);
    for (const each of nodes) this.#start(each);
    return true;
  }

  /** `except`: a node that need not serve. */
  #lose(node: SimNode, prng: Prng, change: () => void, except?: SimNode): boolean {
    if (!this.#mayLose(except)) return false;
    return this.#down(node, prng, () => {
      node.crash();
      change();
    });
  }

  #mayLose(except?: SimNode): boolean {
    const { nodes, store } = this.#targets;
    const { table, moves, keyspaces } = store.document;
    const factors = keyspaces.flatMap(({ replicationFactor, nextFactor = 3 }) => [replicationFactor, nextFactor]);
    // Of two replicas, one of which has lost its disk, the other must not even be restarted.
    const copies = Math.min(...[...table, ...moves.map(({ target }) => target)].map(({ length }) => length));
    if (Math.min(nodes.length, copies, ...factors) < 3 || store.absences > 0) return false;
    const whole = except === undefined ? this.#allServe() : !this.#lossUnresolved && this.#sound(except);
    if (whole) this.#lossUnresolved = true;
    return whole;
  }

  /** Every node but one, if one is named, serves and is not about to lose anything. */
  #sound(except?: SimNode): boolean {
    const sound = ({ settled, disk }: SimNode): boolean => settled && !disk.rotten && !disk.failing && !disk.misreading;
    return this.#swapsDue === 0 && this.#targets.nodes.every((each) => each === except || sound(each));
  }

  #allServe(): boolean {
    if (!this.#sound()) return false;
    this.#lossUnresolved = false;
    this.#torn = undefined;
    return true;
  }

  #meanwhile(prng: Prng, heal: () => void): true {
    this.#later(prng, heal);
    return true;
  }

  #later(prng: Prng, heal: () => void): void {
    const once = (): void => {
      if (this.#heals.delete(once)) heal();
    };
    this.#heals.add(once);
    this.#targets.timeline.after(this.#scenario.faultMs * prng.between(0.1, 1.9), once);
  }
}

type Link = readonly [SimNode, SimNode];

function pairs(all: readonly SimNode[]): readonly Link[] {
  return all.flatMap((a, at) => all.slice(at + 1).map((b): Link => [a, b]));
}

function both(links: readonly Link[]): readonly Link[] {
  return links.flatMap(([a, b]): readonly Link[] => [
    [a, b],
    [b, a],
  ]);
}
