import { unreachable } from '@ferrite/errors';
import type { Prng } from './prng.ts';
import type { Fault, Scenario } from './scenario.ts';
import type { DiskImage } from './sim-disk.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';
import type { SimTopologyStore } from './sim-topology-store.ts';
import type { Timeline } from './timeline.ts';
import type { TraceHash } from './trace-hash.ts';

export interface NemesisTargets {
  readonly nodes: readonly SimNode[];
  readonly network: SimNetwork;
  readonly store: SimTopologyStore;
  readonly timeline: Timeline;
  readonly trace: TraceHash;
}

/**
 * Injects faults at the rates of the scenario and stays inside the fault model: processes, links and unflushed data go at
 * any time; what was flushed is lost on one disk at a time, and the next such loss waits until all nodes serve again. A
 * disk is rolled back only past a boot that was registered, and the topology store stays while a loss is unresolved: of a
 * boot nobody has heard of nobody can tell (P9).
 */
export class Nemesis {
  readonly #targets: NemesisTargets;
  readonly #prng: Prng;
  readonly #scenario: Scenario;
  /** The disk of each node as it was before an earlier start. */
  readonly #images = new Map<SimNode, DiskImage>();
  /** The disk of each node as it was when its present process began. */
  readonly #starts = new Map<SimNode, DiskImage>();
  readonly #heals = new Set<() => void>();
  #lossUnresolved = false;
  #faults = 0;
  #open = true;

  constructor(targets: NemesisTargets, prng: Prng, scenario: Scenario) {
    this.#targets = targets;
    this.#prng = prng;
    this.#scenario = scenario;
    for (const [fault, rate] of Object.entries(scenario.faults) as [Fault, number][]) {
      if (rate > 0) this.#strikeLater(fault, 1_000 / rate);
    }
  }

  /** Faults injected so far. */
  get faults(): number {
    return this.#faults;
  }

  /** Ends every fault, and lets nothing happen any more. */
  healAll(): void {
    this.#open = false;
    for (const heal of this.#heals) heal();
    this.#heals.clear();
    for (const node of this.#targets.nodes) this.#start(node);
  }

  #strikeLater(fault: Fault, meanMs: number): void {
    this.#targets.timeline.after(meanMs * this.#prng.between(0.1, 1.9), () => {
      if (!this.#open) return;
      if (this.#strike(fault)) {
        this.#faults++;
        this.#targets.trace.add(`fault ${fault} ${this.#targets.timeline.now}`);
      }
      this.#strikeLater(fault, meanMs);
    });
  }

  /** False if it cannot be done now without leaving the fault model. */
  #strike(fault: Fault): boolean {
    const { nodes, store } = this.#targets;
    const node = this.#prng.pick(nodes);
    // A loss is resolved the moment all serve again, whether they still do when the next one is due or not.
    this.#allServe();
    switch (fault) {
      case 'crash':
        return this.#down(node, () => node.crash());
      case 'crashAll':
        return nodes.map((each) => this.#down(each, () => each.crash())).includes(true);
      case 'cleanRestart':
        node.stop();
        return this.#down(node, () => {});
      case 'pause':
        node.pause();
        this.#later(() => node.resume());
        return true;
      case 'isolate':
        this.#cut(
          nodes
            .filter((each) => each !== node)
            .flatMap(
              (each) =>
                [
                  [node, each],
                  [each, node],
                ] as const,
            ),
        );
        return true;
      case 'split':
        this.#cut(
          pairs(nodes)
            .filter(() => this.#prng.chance(0.3))
            .flatMap(
              ([a, b]) =>
                [
                  [a, b],
                  [b, a],
                ] as const,
            ),
        );
        return true;
      case 'oneWay':
        this.#cut(nodes.filter((each) => each !== node && this.#prng.chance(0.6)).map((each) => [node, each] as const));
        return true;
      case 'storeAway':
        if (this.#lossUnresolved && !this.#allServe()) return false;
        store.absences++;
        this.#later(() => store.absences--);
        return true;
      case 'wipe':
        return this.#lose(node, () => node.disk.wipe());
      case 'rollBack': {
        const image = this.#images.get(node);
        return image !== undefined && this.#lose(node, () => node.disk.restore(image));
      }
      case 'rollBackUnregistered': {
        const image = this.#starts.get(node);
        return (
          image !== undefined && this.#isUnregistered(node) && this.#lose(node, () => node.disk.restore(image), node)
        );
      }
      case 'rollBackUnseen':
        return this.#rollBackUnseen(node);
      case 'tornTail':
        if (!this.#mayLose()) return false;
        return this.#down(node, () => node.crash(true));
      case 'rot':
        return this.#mayLose() && node.disk.rot() !== undefined;
      case 'rotTwo':
        return this.#mayLose() && this.#rotTwo(node);
      default:
        return unreachable(fault);
    }
  }

  /** Two nodes lose a record each, and not the same: neither can mend the other's partition, both can mend a record. */
  #rotTwo(node: SimNode): boolean {
    const first = node.disk.rot();
    if (first === undefined) return false;
    const other = this.#prng.pick(this.#targets.nodes.filter((each) => each !== node));
    other.disk.rot(first);
    return true;
  }

  #cut(links: readonly (readonly [SimNode, SimNode])[]): void {
    const heals = links.map(([from, to]) => this.#targets.network.cut(from.id, to.id));
    this.#later(() => {
      for (const heal of heals) heal();
    });
  }

  /** Ends a process and starts the next one some time later. */
  #down(node: SimNode, end: () => void): boolean {
    if (!node.up) return false;
    end();
    this.#later(() => this.#start(node));
    return true;
  }

  #start(node: SimNode): void {
    // A close in order takes the time it takes.
    if (node.stopping && this.#open) return this.#later(() => this.#start(node));
    if (node.up) return;
    // An image from before the start before this one: the boot after it has been registered if the node served since.
    if (this.#prng.chance(0.5)) this.#images.set(node, node.disk.image());
    this.#starts.set(node, node.disk.image());
    node.start();
  }

  /** Nobody has heard of the boot that the node is in: rolled back to where it began, it comes again as if for the first time. */
  #isUnregistered(node: SimNode): boolean {
    const { status } = node;
    return status?.state === 'unverified' && this.#targets.store.bootOf(node.id) < status.boot;
  }

  /** All nodes end, the topology store is away when they come back, and one of them has an older disk: its peers must know. */
  #rollBackUnseen(node: SimNode): boolean {
    const { nodes, store } = this.#targets;
    const image = this.#images.get(node);
    const greeted = nodes.every(
      ({ status }) => Object.values(status?.peers ?? {}).filter((why) => why === '').length === nodes.length - 1,
    );
    if (image === undefined || !greeted || !this.#mayLose()) return false;
    for (const each of nodes) each.crash();
    node.disk.restore(image);
    store.absences++;
    this.#later(() => store.absences--);
    for (const each of nodes) this.#start(each);
    return true;
  }

  #lose(node: SimNode, change: () => void, except?: SimNode): boolean {
    if (!this.#mayLose(except)) return false;
    return this.#down(node, () => {
      node.crash();
      change();
    });
  }

  /** `except`: a node that need not serve. */
  #mayLose(except?: SimNode): boolean {
    const { nodes, store } = this.#targets;
    if (nodes.length < 3 || store.absences > 0) return false;
    if (
      except === undefined
        ? !this.#allServe()
        : this.#lossUnresolved || !this.#serve(nodes.filter((each) => each !== except))
    )
      return false;
    this.#lossUnresolved = true;
    return true;
  }

  #serve(nodes: readonly SimNode[]): boolean {
    return nodes.every((node) => node.serving && !node.disk.rotten);
  }

  #allServe(): boolean {
    if (!this.#serve(this.#targets.nodes)) return false;
    this.#lossUnresolved = false;
    return true;
  }

  #later(heal: () => void): void {
    const once = (): void => {
      if (this.#heals.delete(once)) heal();
    };
    this.#heals.add(once);
    this.#targets.timeline.after(this.#scenario.faultMs * this.#prng.between(0.1, 1.9), once);
  }
}

function pairs<T>(all: readonly T[]): readonly (readonly [T, T])[] {
  return all.flatMap((a, at) => all.slice(at + 1).map((b) => [a, b] as const));
}
