import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalNode } from '../../apps/node-server/test/local-cluster.ts';
import type { Prng } from '../../packages/replication/src/testing/prng.ts';
import type { Fault } from './options.ts';

/** A fault that befalls a node; the store is no node. */
type NodeFault = Exclude<Fault, 'store'>;

/** Hurts one node at a time, so that every key keeps a majority of its replicas. */
export class Nemesis {
  readonly counts = new Map<NodeFault, number>();
  readonly #nodes: readonly LocalNode[];
  readonly #prng: Prng;
  readonly #faults: readonly NodeFault[];
  readonly #say: (line: string) => void;
  readonly #onKill: () => void;

  constructor(
    nodes: readonly LocalNode[],
    prng: Prng,
    options: { readonly faults: readonly Fault[]; say(line: string): void; onKill(): void },
  ) {
    this.#nodes = nodes;
    this.#prng = prng;
    this.#faults = options.faults.filter((fault) => fault !== 'store');
    this.#say = (line) => options.say(line);
    this.#onKill = () => options.onKill();
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** One fault after the other until the signal fires; every node runs when it settles. */
  async run(signal: AbortSignal): Promise<void> {
    while (this.#faults.length > 0) {
      await sleep(this.#prng.between(1_000, 4_000), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#strike(this.#prng.pick(this.#faults), this.#prng.pick(this.#nodes));
    }
  }

  async #strike(fault: NodeFault, node: LocalNode): Promise<void> {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    this.#say(`${fault} ${node.id}`);
    switch (fault) {
      case 'kill':
        this.#onKill();
        await node.stop('SIGKILL');
        await sleep(this.#prng.between(0, 4_000));
        await node.start();
        return await this.#whole(node);
      case 'pause':
        node.signal('SIGSTOP');
        await sleep(this.#prng.between(100, 2_500));
        return node.signal('SIGCONT');
      case 'wipe':
        await node.stop('SIGKILL');
        rmSync(node.image);
        await node.start();
        return await this.#whole(node);
    }
  }

  /** The next fault waits until the node counts everywhere again: two of three away are no majority. */
  async #whole(node: LocalNode): Promise<void> {
    const startedAt = performance.now();
    await node.serving();
    this.#say(`${node.id} has everything again, ${Math.round(performance.now() - startedAt)} ms after it was ready`);
  }
}
