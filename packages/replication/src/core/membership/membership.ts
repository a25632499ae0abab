import { invariant, unreachable } from '@ferrite/errors';
import { type Claim, compareLives } from './claim.ts';
import { ClaimTable } from './claim-table.ts';
import type { GossipMessage } from './gossip-message.ts';
import {
  CLAIMS_MAX,
  FRESH_TELLINGS,
  NEWS_FANOUT,
  NEWS_MAX_PER_TICK,
  PERIOD_MS,
  REVIVE_EVERY_MS,
  SYNC_EVERY_MS,
  SYNC_PAGE_CLAIMS,
  TICK_MS,
} from './limits.ts';
import { LocalHealth } from './local-health.ts';
import type { MembershipMutation, PlantedInMembership } from './mutation.ts';
import { ProbeOrder } from './probe-order.ts';
import { type BareMessage, Prober } from './prober.ts';
import { Rumours } from './rumours.ts';

/** Everything that happens to the machine. */
export type MembershipEvent =
  /** Time went by: wanted every `TICK_MS`. `nowMs` is of a clock that never goes back. */
  | { readonly type: 'tick'; readonly nowMs: number }
  | { readonly type: 'message'; readonly from: string; readonly message: GossipMessage }
  /** The nodes of the topology, this one among them or not. */
  | { readonly type: 'nodes'; readonly nodes: readonly string[] }
  /** This node's boot, which only grows. */
  | { readonly type: 'boot'; readonly boot: number }
  /** A request to that node just failed: it is probed next. */
  | { readonly type: 'doubt'; readonly node: string };

export type MembershipEffect =
  /** May be lost, doubled or overtaken. */
  | { readonly type: 'send'; readonly to: string; readonly message: GossipMessage }
  /** What is held of a node has changed. */
  | { readonly type: 'report'; readonly claim: Claim };

export interface MembershipConfig {
  readonly self: string;
  readonly boot: number;
  readonly nodes: readonly string[];
  readonly random: () => number;
  /** Bugs for the simulator to find. */
  readonly mutations?: ReadonlySet<MembershipMutation>;
}

/**
 * Who is there: SWIM (Das, Gupta, Motivala 2002) with Lifeguard's rules (Dadgar, Phillips, Currey 2017), as a machine
 * without I/O. Events in, effects out; the same events give the same effects. It only reports: nothing here moves data or
 * changes who belongs to the cluster. The load is constant: a probe a period, whatever the number of nodes.
 */
export class Membership {
  readonly #self: string;
  readonly #random: () => number;
  readonly #planted: PlantedInMembership;
  readonly #table: ClaimTable;
  readonly #rumours = new Rumours();
  readonly #health = new LocalHealth();
  readonly #order: ProbeOrder;
  readonly #prober: Prober;
  #effects: MembershipEffect[] = [];
  #boot: number;
  #incarnation = 0;
  /** Time in which this node was awake, in milliseconds: what all deadlines are measured in (INV-SWIM-5). */
  #awakeMs = 0;
  #tickedAtMs: number | undefined;
  #askAgainAtMs = 0;
  #syncAtMs: number;
  #reviveAtMs: number;
  #newsLeft = NEWS_MAX_PER_TICK;

  constructor(config: MembershipConfig) {
    this.#self = config.self;
    this.#boot = config.boot;
    this.#random = config.random;
    this.#planted = (name) => config.mutations?.has(name) === true;
    this.#table = new ClaimTable(this.#planted);
    this.#order = new ProbeOrder(config.random);
    const host = {
      next: () => this.#next(),
      some: (count: number, except: string) => this.#some(count, except),
      send: (to: string, message: BareMessage) => this.#send(to, message),
      heardOf: (node: string) => (this.#table.get(node)?.boot ?? 0) > 0,
      failed: (node: string) => this.#failed(node),
    };
    this.#prober = new Prober(host, this.#health, this.#planted);
    this.#setNodes(config.nodes);
    // Nodes that start together do not sync together.
    this.#syncAtMs = PERIOD_MS * (1 + config.random());
    this.#reviveAtMs = REVIVE_EVERY_MS * config.random();
    this.#rumours.add(this.#own());
  }

  step(event: MembershipEvent): readonly MembershipEffect[] {
    switch (event.type) {
      case 'tick':
        this.#tick(event.nowMs);
        break;
      case 'message':
        this.#receive(event.from, event.message);
        break;
      case 'nodes':
        this.#setNodes(event.nodes);
        break;
      case 'boot':
        if (event.boot > this.#boot) this.#announce(event.boot, 0);
        break;
      case 'doubt':
        this.#order.hurry(event.node);
        break;
      default:
        unreachable(event);
    }
    this.#tellNews();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** What this node holds of all others. */
  claims(): readonly Claim[] {
    return this.#table.all();
  }

  /** 0: this node seems healthy; more: it waits longer before it suspects others. */
  get healthScore(): number {
    return this.#health.score;
  }

  #tick(nowMs: number): void {
    const elapsedMs = nowMs - (this.#tickedAtMs ?? nowMs);
    invariant(elapsedMs >= 0, 'INV-SWIM-5', `time went back by ${-elapsedMs} ms`);
    this.#tickedAtMs = nowMs;
    // While this node slept it heard nobody, so nobody's silence counts; what came meanwhile is read first.
    const slept = elapsedMs > 2 * TICK_MS && !this.#planted('ignore-pause');
    this.#awakeMs += slept ? TICK_MS : elapsedMs;
    if (elapsedMs > PERIOD_MS && slept) this.#health.worse();
    this.#newsLeft = NEWS_MAX_PER_TICK;
    this.#prober.tick(this.#awakeMs);
    for (const claim of this.#table.expired(this.#awakeMs, this.#self)) this.#hear(claim);
    if (this.#awakeMs >= this.#askAgainAtMs) this.#askAgain();
    if (this.#awakeMs >= this.#syncAtMs) this.#sync();
    if (this.#awakeMs >= this.#reviveAtMs) this.#revive();
  }

  #receive(from: string, message: GossipMessage): void {
    if (this.#table.get(from) === undefined) return;
    for (const claim of message.claims) this.#hear(this.#mild(claim));
    switch (message.type) {
      case 'ping':
        return this.#send(from, { type: 'ack', sequence: message.sequence });
      case 'pingRequest':
        return this.#prober.relay(from, message.sequence, message.target, this.#awakeMs);
      case 'ack':
        return this.#prober.acked(message.sequence);
      case 'nack':
        return this.#prober.nacked(from, message.sequence);
      case 'news':
        return;
      case 'sync':
        if (message.answer) this.#sendAll(from, false);
        return;
      default:
        unreachable(message);
    }
  }

  /**
   * That others hold a node for dead is one accusation more, no verdict: it may be out of date, so each node waits out its
   * own suspicion (INV-SWIM-6). Suspicions spread within a few hops and end together, so this costs no time.
   */
  #mild(claim: Claim): Claim {
    const live = claim.state === 'dead' && this.#table.isLive(claim.node);
    return live && !this.#planted('hearsay-kills') ? { ...claim, state: 'suspect' } : claim;
  }

  #hear(claim: Claim): void {
    if (claim.node === this.#self) return this.#hearOfSelf(claim);
    const before = this.#table.get(claim.node);
    // The present tick is not over: what begins in it is counted from its end.
    const nowMs = this.#awakeMs + TICK_MS;
    const heard = this.#table.hear(claim, nowMs, this.#planted('ignore-health') ? 1 : this.#health.factor);
    if (heard === 'known') return;
    if (!this.#planted('no-retelling')) this.#rumours.add(claim);
    if (heard === 'confirmed') return;
    this.#effects.push({ type: 'report', claim });
    if (claim.state === 'dead') this.#prober.abandon(claim.node);
    // Whoever comes back from the dead may have been on the other side of a partition: compare everything.
    if (before?.state === 'dead' && claim.state === 'alive' && this.#newsLeft > 0) this.#syncWith(claim.node);
  }

  /** A node refutes what is said of its present life by beginning another (INV-SWIM-2). */
  #hearOfSelf(claim: Claim): void {
    if (claim.boot > this.#boot) return; // Another process with this id; who may stay is for P9 to say.
    if (this.#planted('no-refutation')) return;
    const against = compareLives(claim, this.#own()) > 0 || claim.state !== 'alive';
    if (!against) return;
    const current = compareLives(claim, this.#own()) >= 0;
    if (current) this.#health.worse();
    const raised = current && !this.#planted('incarnation-not-raised') ? claim.incarnation + 1 : this.#incarnation;
    this.#announce(this.#boot, raised);
  }

  #announce(boot: number, incarnation: number): void {
    this.#boot = boot;
    this.#incarnation = incarnation;
    this.#rumours.add(this.#own());
  }

  #own(): Claim {
    return { node: this.#self, state: 'alive', boot: this.#boot, incarnation: this.#incarnation, by: this.#self };
  }

  #failed(node: string): void {
    const held = this.#table.get(node);
    if (held === undefined || held.state === 'dead') return;
    const state = this.#planted('dead-without-suspicion') ? 'dead' : 'suspect';
    this.#hear({ ...held, state, by: this.#self });
  }

  #next(): string | undefined {
    const live = (node: string): boolean => this.#table.isLive(node);
    if (this.#planted('probe-at-random')) return this.#some(1, '')[0];
    return this.#order.next(live);
  }

  #some(count: number, except: string): readonly string[] {
    return this.#table.draw(count, this.#random, (node) => node !== except && this.#table.isLive(node));
  }

  /** Fresh claims do not wait for the next probe: they reach everyone within a few hops. */
  #tellNews(): void {
    if (!this.#rumours.fresh(FRESH_TELLINGS) || this.#newsLeft === 0) return;
    const to = this.#some(Math.min(NEWS_FANOUT, this.#newsLeft), '');
    this.#newsLeft -= to.length;
    for (const node of to) this.#send(node, { type: 'news' });
  }

  #send(to: string, message: BareMessage): void {
    // A suspect hears first what is held against it, so that it can refute (Lifeguard's buddy system).
    const held = this.#table.get(to);
    const against = held !== undefined && held.state !== 'alive' && !this.#planted('no-buddy') ? [held] : [];
    const told = this.#rumours.take(CLAIMS_MAX - against.length, this.#table.live + 1, against[0]?.node);
    this.#effects.push({ type: 'send', to, message: { ...message, claims: [...against, ...told] } });
  }

  /**
   * Suspects are asked again every period, in case the accusation or the refutation was lost on its way: by their accuser
   * always, by the others as often as makes `NEWS_FANOUT` of them together. A node accuses one other in a period at most.
   */
  #askAgain(): void {
    this.#askAgainAtMs = this.#awakeMs + PERIOD_MS;
    if (this.#planted('ask-once')) return;
    const share = NEWS_FANOUT / this.#table.live;
    const chosen = this.#table.suspects().filter(({ by }) => by === this.#self || this.#random() < share);
    for (const { node } of chosen) this.#send(node, { type: 'ping', sequence: 0 });
  }

  #sync(): void {
    const { live } = this.#table;
    this.#syncAtMs = this.#awakeMs + SYNC_EVERY_MS * Math.max(1, 1 + Math.log2((live + 1) / 32));
    for (const node of this.#some(1, '')) this.#syncWith(node);
  }

  #syncWith(node: string): void {
    this.#newsLeft = Math.max(0, this.#newsLeft - 1);
    this.#sendAll(node, true);
  }

  #sendAll(to: string, answer: boolean): void {
    const all = [this.#own(), ...this.#table.all()];
    for (let at = 0; at < all.length; at += SYNC_PAGE_CLAIMS) {
      const last = at + SYNC_PAGE_CLAIMS >= all.length;
      const claims = all.slice(at, at + SYNC_PAGE_CLAIMS);
      this.#effects.push({ type: 'send', to, message: { type: 'sync', answer: answer && last, claims } });
    }
  }

  #revive(): void {
    this.#reviveAtMs = this.#awakeMs + REVIVE_EVERY_MS;
    if (this.#planted('forget-dead')) return;
    for (const node of this.#table.draw(1, this.#random, (each) => !this.#table.isLive(each)))
      this.#send(node, { type: 'ping', sequence: 0 });
  }

  #setNodes(nodes: readonly string[]): void {
    const others = nodes.filter((node) => node !== this.#self);
    for (const { node } of this.#table.all()) {
      if (others.includes(node)) continue;
      this.#rumours.forget(node);
      this.#prober.abandon(node);
    }
    this.#table.replace(others);
    this.#order.replace(others);
  }
}
