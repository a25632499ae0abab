import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalNode } from '../../apps/node-server/test/local-cluster.ts';
import type { Prng } from '../../packages/replication/src/testing/prng.ts';
import { peersOf } from './peer-views.ts';

const POLL_MS = 20;
/** A kill that is not known to all by then counts as not detected. */
const GIVE_UP_MS = 20_000;

/** One kill, in milliseconds from the signal until the survivors tell of it when asked every 20 ms. */
export interface Detection {
  readonly victim: string;
  readonly firstMs: number;
  /** Infinite if some survivor never told. */
  readonly allMs: number;
  /** From the moment the process was ready again until all held it for alive. */
  readonly aliveMs: number;
}

interface Host {
  readonly nodes: readonly LocalNode[];
  readonly prng: Prng;
  say(line: string): void;
  onKill(): void;
}

/** Kills one node after the other, `kills` times, and waits each time until all is well again. */
export async function measureDetection(kills: number, host: Host): Promise<readonly Detection[]> {
  const detections: Detection[] = [];
  for (let at = 0; at < kills; at++) {
    // At any moment of the probe period.
    await sleep(host.prng.between(500, 1_500));
    const victim = host.prng.pick(host.nodes);
    const others = host.nodes.filter((node) => node !== victim);
    host.onKill();
    const killedAt = performance.now();
    const ended = victim.stop('SIGKILL');
    const noticed = await Promise.all(others.map((node) => until(node, victim, 'dead', killedAt)));
    await ended;
    await victim.start();
    const readyAt = performance.now();
    const seen = await Promise.all(others.map((node) => until(node, victim, 'alive', readyAt)));
    await victim.serving();
    const detection = {
      victim: victim.id,
      firstMs: Math.min(...noticed),
      allMs: Math.max(...noticed),
      aliveMs: Math.max(...seen),
    };
    detections.push(detection);
    host.say(
      `kill ${at + 1} of ${kills}: ${victim.id} held for dead by the first after ${Math.round(detection.firstMs)} ms, ` +
        `by all after ${Math.round(detection.allMs)} ms`,
    );
  }
  return detections;
}

/** How long after `since` this observer first told that it holds `subject` for `liveness`. */
async function until(observer: LocalNode, subject: LocalNode, liveness: string, since: number): Promise<number> {
  while (performance.now() - since < GIVE_UP_MS) {
    const peers = await peersOf(observer).catch(() => []);
    if (peers.find(({ id }) => id === subject.id)?.liveness === liveness) return performance.now() - since;
    await sleep(POLL_MS);
  }
  return Number.POSITIVE_INFINITY;
}
