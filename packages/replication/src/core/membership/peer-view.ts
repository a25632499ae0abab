import type { Liveness } from './claim.ts';
import { LatencyWindow } from './latency-window.ts';

/** A hedge after less than this helps nobody; without answers to judge by, it waits for the longest time. */
const HEDGE_MIN_MS = 2;
const HEDGE_MAX_MS = 50;

/** Hedges a read may earn, and the most that can be saved up: at most 5 % more reads, besides short bursts. */
const HEDGES_PER_READ = 0.05;
const HEDGES_SAVED_MAX = 10;

/** A request to a node held for dead is given up after this time: it may be there after all, but nobody waits for it. */
const DEAD_PATIENCE_MS = 500;

/** A peer is slow if half its answers take this many times as long as the fastest peer's, and so much longer. */
const SLOW_FACTOR = 4;
const SLOW_BY_MS = 5;

/** A peer that let so many reads in a row wait too long is silent, until it answers. */
const LATE_MAX = 8;

/** A peer that was passed over so often is tried once, to learn whether it still is as it was. */
const PASSED_OVER_MAX = 32;

interface Peer {
  liveness: Liveness;
  readonly latency: LatencyWindow;
  lateInRow: number;
  /** Its last answer to a read counted in quorums. */
  counts: boolean;
  passedOver: number;
}

/**
 * Which peers to route around: the dead, the suspect, the slow, the silent and those whose word does not count yet. Only the order in which replicas are asked
 * and how long they are waited for follow from it, never what counts in a quorum: were all of it wrong, answers would
 * come late and no promise would be broken (INV-SWIM-7).
 */
export class PeerView {
  readonly #peers = new Map<string, Peer>();
  #hedges = HEDGES_SAVED_MAX;

  /** What membership holds of a node. */
  setLiveness(node: string, liveness: Liveness): void {
    this.#peer(node).liveness = liveness;
  }

  liveness(node: string): Liveness {
    return this.#peers.get(node)?.liveness ?? 'alive';
  }

  /** A read was answered after `tookMs`. */
  answered(node: string, tookMs: number): void {
    const peer = this.#peer(node);
    peer.latency.add(tookMs);
    peer.lateInRow = 0;
  }

  /** Whether the answer of a node counted in the quorum: one that rebuilds its disk is asked last. */
  counted(node: string, counts: boolean): void {
    this.#peer(node).counts = counts;
  }

  /** A read was hedged because these peers had not answered. */
  late(nodes: Iterable<string>): void {
    for (const node of nodes) this.#peer(node).lateInRow++;
  }

  /** `nodes` with those to ask first in front; the order among equals stays as it was. */
  preferred(nodes: readonly string[]): readonly string[] {
    const fastestMs = this.#fastestMs(nodes);
    if (nodes.every((node) => this.#cost(node, fastestMs) === 0)) return nodes;
    const costs = new Map(nodes.map((node) => [node, this.#cost(node, fastestMs)]));
    const least = Math.min(...costs.values());
    for (const [node, cost] of costs) {
      const peer = this.#peer(node);
      if (cost === least) peer.passedOver = 0;
      else if (++peer.passedOver > PASSED_OVER_MAX && peer.liveness !== 'dead') {
        peer.passedOver = 0;
        costs.set(node, least - 1);
      }
    }
    return [...nodes].sort((a, b) => costs.get(a)! - costs.get(b)!);
  }

  /** How long to wait for that peer, where the request itself allows `timeoutMs`. */
  patienceMs(node: string, timeoutMs: number): number {
    return this.liveness(node) === 'dead' ? Math.min(timeoutMs, DEAD_PATIENCE_MS) : timeoutMs;
  }

  /** When a read that waits for `nodes` asks one more: after what 95 % of the answers of the slowest of them take. */
  hedgeAfterMs(nodes: Iterable<string>): number {
    let afterMs = HEDGE_MIN_MS;
    for (const node of nodes) afterMs = Math.max(afterMs, this.#peers.get(node)?.latency.p95Ms ?? HEDGE_MAX_MS);
    return Math.min(afterMs, HEDGE_MAX_MS);
  }

  /** Counts a read towards the hedges that there may be. */
  earnHedge(): void {
    this.#hedges = Math.min(HEDGES_SAVED_MAX, this.#hedges + HEDGES_PER_READ);
  }

  /** Takes one hedge, if there is one. */
  spendHedge(): boolean {
    if (this.#hedges < 1) return false;
    this.#hedges--;
    return true;
  }

  #cost(node: string, fastestMs: number): number {
    const peer = this.#peers.get(node);
    if (peer === undefined) return 0;
    if (peer.liveness === 'dead') return 4;
    if (peer.lateInRow >= LATE_MAX) return 3;
    if (peer.liveness === 'suspect' || !peer.counts) return 2;
    const { medianMs = 0 } = peer.latency;
    return medianMs > SLOW_FACTOR * fastestMs && medianMs > fastestMs + SLOW_BY_MS ? 1 : 0;
  }

  #fastestMs(nodes: readonly string[]): number {
    let fastestMs = Number.POSITIVE_INFINITY;
    for (const node of nodes) fastestMs = Math.min(fastestMs, this.#peers.get(node)?.latency.medianMs ?? fastestMs);
    return fastestMs;
  }

  #peer(node: string): Peer {
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = { liveness: 'alive', latency: new LatencyWindow(), lateInRow: 0, counts: true, passedOver: 0 };
      this.#peers.set(node, peer);
    }
    return peer;
  }
}
