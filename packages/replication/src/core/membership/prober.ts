import type { GossipMessage } from './gossip-message.ts';
import { INDIRECT_PROBES, PERIOD_MS, PROBE_TIMEOUT_MS, RELAYS_MAX } from './limits.ts';
import type { LocalHealth } from './local-health.ts';
import type { PlantedInMembership } from './mutation.ts';

type Bare<T> = T extends unknown ? Omit<T, 'claims'> : never;

/** A message whose claims are chosen when it is sent. */
export type BareMessage = Bare<Exclude<GossipMessage, { type: 'sync' }>>;

export interface ProberHost {
  /** The node to probe next; undefined if there is none. */
  next(): string | undefined;
  /** Live nodes other than this one and `except`, at most `count`, at random. */
  some(count: number, except: string): readonly string[];
  send(to: string, message: BareMessage): void;
  /** Whether `node` has said a word since this node knows of it. */
  heardOf(node: string): boolean;
  /** The probe of `node` had no answer, direct or indirect. */
  failed(node: string): void;
}

interface Probe {
  readonly sequence: number;
  readonly target: string;
  /** Those who were asked to probe too, and have said neither ack nor nack yet. */
  readonly silent: Set<string>;
  readonly askAtMs: number;
  readonly endsAtMs: number;
  asked: boolean;
  answered: boolean;
}

interface Relay {
  readonly origin: string;
  readonly sequence: number;
  readonly nackAtMs: number;
  readonly endsAtMs: number;
  nacked: boolean;
}

/** Probes one node a period, first directly, then through others, and probes in others' stead. */
export class Prober {
  readonly #host: ProberHost;
  readonly #health: LocalHealth;
  readonly #planted: PlantedInMembership;
  readonly #relays = new Map<number, Relay>();
  #sequence = 1;
  #probe: Probe | undefined;

  constructor(host: ProberHost, health: LocalHealth, planted: PlantedInMembership) {
    this.#host = host;
    this.#health = health;
    this.#planted = planted;
  }

  tick(nowMs: number): void {
    this.#tickRelays(nowMs);
    const probe = this.#probe;
    if (probe !== undefined && nowMs < probe.endsAtMs) {
      if (!probe.answered && !probe.asked && nowMs >= probe.askAtMs) this.#askOthers(probe);
      return;
    }
    if (probe !== undefined) this.#conclude(probe);
    this.#begin(nowMs);
  }

  /** A target that left the topology, or is dead by now, needs no verdict. */
  abandon(node: string): void {
    if (this.#probe?.target === node) this.#probe.answered = true;
  }

  acked(sequence: number): void {
    const probe = this.#probe;
    if (probe?.sequence === sequence || (probe !== undefined && this.#planted('stale-ack-counts'))) {
      if (!probe.answered) this.#health.better();
      probe.answered = true;
      return;
    }
    const relay = this.#relays.get(sequence);
    if (relay === undefined) return;
    this.#relays.delete(sequence);
    this.#host.send(relay.origin, { type: 'ack', sequence: relay.sequence });
  }

  nacked(from: string, sequence: number): void {
    if (this.#probe?.sequence === sequence) this.#probe.silent.delete(from);
  }

  /** Probes `target` for `origin`, who called this probe `sequence`. */
  relay(origin: string, sequence: number, target: string, nowMs: number): void {
    if (this.#relays.size >= RELAYS_MAX) return this.#host.send(origin, { type: 'nack', sequence });
    const own = this.#sequence++;
    const nackAtMs = nowMs + PROBE_TIMEOUT_MS;
    this.#relays.set(own, { origin, sequence, nackAtMs, endsAtMs: nowMs + PERIOD_MS, nacked: false });
    this.#host.send(target, { type: 'ping', sequence: own });
  }

  #begin(nowMs: number): void {
    const target = this.#host.next();
    this.#probe = undefined;
    if (target === undefined) return;
    const sequence = this.#sequence++;
    const factor = this.#planted('ignore-health') ? 1 : this.#health.factor;
    this.#probe = {
      sequence,
      target,
      silent: new Set(),
      askAtMs: nowMs + PROBE_TIMEOUT_MS * factor,
      endsAtMs: nowMs + PERIOD_MS * factor,
      asked: false,
      answered: false,
    };
    this.#host.send(target, { type: 'ping', sequence });
  }

  #askOthers(probe: Probe): void {
    probe.asked = true;
    if (this.#planted('no-indirect-probes')) return;
    const { sequence, target } = probe;
    for (const helper of this.#host.some(INDIRECT_PROBES, target)) {
      // One that has not started yet says nothing about this node's own line.
      if (this.#host.heardOf(helper)) probe.silent.add(helper);
      this.#host.send(helper, { type: 'pingRequest', sequence, target });
    }
  }

  /** Helpers that said nothing at all speak against this node's own line, not only against the target's. */
  #conclude(probe: Probe): void {
    if (probe.answered) return;
    this.#host.failed(probe.target);
    this.#health.worse(probe.silent.size);
  }

  #tickRelays(nowMs: number): void {
    for (const [own, relay] of this.#relays) {
      if (!relay.nacked && nowMs >= relay.nackAtMs) {
        relay.nacked = true;
        this.#host.send(relay.origin, { type: 'nack', sequence: relay.sequence });
      }
      if (nowMs >= relay.endsAtMs) this.#relays.delete(own);
    }
  }
}
