import type { Claim } from '../core/membership/claim.ts';
import type { GossipMessage } from '../core/membership/gossip-message.ts';
import { TICK_MS } from '../core/membership/limits.ts';
import { Membership, type MembershipEvent } from '../core/membership/membership.ts';
import type { TopologyDocument } from '../core/topology.ts';
import type { GossipTransport } from '../ports/gossip-transport.ts';
import { fraction } from './random-numbers.ts';
import type { ReplicaPorts } from './replica-node-api.ts';

type LoopPorts = Pick<ReplicaPorts, 'clock' | 'random' | 'note'>;

/** What the loop reads of the node around it, and tells it. */
export interface MembershipLoopHost {
  readonly self: string;
  /** The newest topology, and this node's boot: both looked at on every tick. */
  topology(): TopologyDocument;
  boot(): number;
  report(claim: Claim): void;
}

/** Starts membership where there is a gossip transport. This node's boot must be durable. */
export function openMembershipLoop(ports: ReplicaPorts, host: MembershipLoopHost): MembershipLoop | undefined {
  return ports.gossip === undefined ? undefined : new MembershipLoop(ports, ports.gossip, host);
}

/** Carries out what the membership machine asks for: ticks, messages, reports. It decides nothing. */
export class MembershipLoop {
  readonly #machine: Membership;
  readonly #host: MembershipLoopHost;
  readonly #ports: LoopPorts;
  readonly #transport: GossipTransport;
  #topology: TopologyDocument;
  #boot: number;
  #stopTimer: () => void = () => {};
  #closed = false;

  constructor(ports: LoopPorts, transport: GossipTransport, host: MembershipLoopHost) {
    this.#host = host;
    this.#ports = ports;
    this.#transport = transport;
    this.#topology = host.topology();
    this.#boot = host.boot();
    const nodes = idsOf(this.#topology);
    this.#machine = new Membership({
      self: host.self,
      boot: this.#boot,
      nodes,
      random: () => fraction(ports.random.bytes(4)),
    });
    this.#tick();
  }

  hear(from: string, message: GossipMessage): void {
    this.#step({ type: 'message', from, message });
  }

  doubt(node: string): void {
    this.#step({ type: 'doubt', node });
  }

  claims(): readonly Claim[] {
    return this.#machine.claims();
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer();
  }

  #tick(): void {
    const topology = this.#host.topology();
    if (topology !== this.#topology) {
      this.#topology = topology;
      this.#step({ type: 'nodes', nodes: idsOf(topology) });
    }
    const boot = this.#host.boot();
    if (boot !== this.#boot) {
      this.#boot = boot;
      this.#step({ type: 'boot', boot });
    }
    this.#step({ type: 'tick', nowMs: this.#ports.clock.monotonicMs() });
    if (!this.#closed) this.#stopTimer = this.#ports.clock.setTimer(TICK_MS, () => this.#tick());
  }

  #step(event: MembershipEvent): void {
    if (this.#closed) return;
    for (const effect of this.#machine.step(event)) {
      if (effect.type === 'send') this.#transport.send(effect.to, effect.message);
      else this.#report(effect.claim);
    }
  }

  #report(claim: Claim): void {
    const { node, state, boot, incarnation, by } = claim;
    this.#host.report(claim);
    // A peer that was taken for alive before it said a word, and is, is no news.
    if (state === 'alive' && incarnation === 0 && boot <= 1) return;
    const level = state === 'alive' ? 'info' : 'warn';
    this.#ports.note?.(level, `node ${node} is held for ${state}`, { boot, incarnation, by });
  }
}

function idsOf(topology: TopologyDocument): readonly string[] {
  return topology.nodes.map(({ id }) => id);
}
