import type { Claim } from '../../core/membership/claim.ts';
import type { GossipMessage } from '../../core/membership/gossip-message.ts';
import { TICK_MS } from '../../core/membership/limits.ts';
import { Membership, type MembershipEvent } from '../../core/membership/membership.ts';
import type { MembershipMutation } from '../../core/membership/mutation.ts';
import { Prng } from '../prng.ts';
import { Timeline } from '../timeline.ts';
import { TraceHash } from '../trace-hash.ts';

/** What the network of a simulated cluster may do; changed at any time. */
export interface Weather {
  /** Shares of messages. */
  loss: number;
  duplicates: number;
  /** A copy of a message may come so much later than the first, in milliseconds. */
  lateMs: number;
  /** Whether nothing sent by `from` reaches `to`. */
  blocked: (from: number, to: number) => boolean;
}

/** A report of one node about another, as the harness sees it. */
export interface Sighting {
  readonly atMs: number;
  readonly observer: number;
  readonly subject: number;
  readonly claim: Claim;
}

interface SimMember {
  machine: Membership;
  up: boolean;
  boot: number;
  /** Sees nothing before this time: what arrives meanwhile waits in its socket. */
  pausedUntilMs: number;
  /** What arrives is read so much later. */
  slowMs: number;
  life: number;
}

/** Nodes that run nothing but the production membership machine, in virtual time. Deterministic for a seed. */
export class SimMembers {
  readonly timeline = new Timeline();
  readonly weather: Weather = { loss: 0, duplicates: 0, lateMs: 0, blocked: () => false };
  readonly members: SimMember[] = [];
  readonly #names: readonly string[];
  readonly #index: ReadonlyMap<string, number>;
  readonly #prng: Prng;
  readonly #seed: number;
  readonly #mutations: ReadonlySet<MembershipMutation>;
  readonly #hash = new TraceHash();
  /** Who has told of a suspicion of that life (see {@link accusersOf}), in any message. */
  readonly #accusers = new Map<string, Set<string>>();
  readonly #sighted: (sighting: Sighting) => void;
  /** Messages sent, and claims in them, since the counters were last reset; and the largest message in claims. */
  counters = { messages: 0, claims: 0, largest: 0 };

  constructor(
    seed: number,
    count: number,
    sighted: (sighting: Sighting) => void,
    mutations: readonly MembershipMutation[] = [],
  ) {
    this.#seed = seed;
    this.#prng = new Prng(seed, 'network');
    this.#mutations = new Set(mutations);
    this.#sighted = sighted;
    this.#names = Array.from({ length: count }, (_, at) => `n${at + 1}`);
    this.#index = new Map(this.#names.map((name, at) => [name, at]));
    for (let at = 0; at < count; at++) this.#start(at, 1);
  }

  get hash(): string {
    return this.#hash.digest();
  }

  /** What `observer` holds of each other node. */
  view(observer: number): ReadonlyMap<number, Claim> {
    const claims = this.members[observer]!.machine.claims();
    return new Map(claims.map((claim) => [this.#index.get(claim.node)!, claim]));
  }

  /** Nodes that were named, in any message so far, as accusers of that life of a node. */
  accusersOf(claim: Claim): number {
    return this.#accusers.get(lifeOf(claim))?.size ?? 0;
  }

  resetCounters(): void {
    this.counters = { messages: 0, claims: 0, largest: 0 };
  }

  kill(at: number): void {
    const member = this.members[at]!;
    member.up = false;
    member.life++;
  }

  /** The process is started again, with the next boot. */
  restart(at: number): void {
    this.kill(at);
    this.#start(at, this.members[at]!.boot + 1);
  }

  pause(at: number, forMs: number): void {
    this.members[at]!.pausedUntilMs = this.timeline.now + forMs;
  }

  run(forMs: number): void {
    this.timeline.runUntil(this.timeline.now + forMs);
  }

  /** A request of `from` to `to` failed, as a node under load notices. */
  doubt(from: number, to: number): void {
    this.#step(from, { type: 'doubt', node: this.#names[to]! });
  }

  #start(at: number, boot: number): void {
    const random = new Prng(this.#seed, `member ${at} boot ${boot}`);
    const machine = new Membership({
      self: this.#names[at]!,
      boot,
      nodes: this.#names,
      random: () => random.next(),
      mutations: this.#mutations,
    });
    const life = (this.members[at]?.life ?? 0) + 1;
    this.members[at] = { machine, up: true, boot, pausedUntilMs: 0, slowMs: 0, life };
    this.timeline.after(this.#prng.between(0, TICK_MS), () => this.#tick(at, life));
  }

  #tick(at: number, life: number): void {
    const member = this.members[at]!;
    if (member.life !== life) return;
    const awakeIn = member.pausedUntilMs - this.timeline.now;
    if (awakeIn > 0) return void this.timeline.after(awakeIn, () => this.#tick(at, life));
    this.#step(at, { type: 'tick', nowMs: this.timeline.now });
    this.timeline.after(TICK_MS, () => this.#tick(at, life));
  }

  #step(at: number, event: MembershipEvent): void {
    for (const effect of this.members[at]!.machine.step(event)) {
      if (effect.type === 'send') this.#send(at, this.#index.get(effect.to)!, effect.message);
      else this.#report(at, effect.claim);
    }
  }

  #report(observer: number, claim: Claim): void {
    const atMs = this.timeline.now;
    const subject = this.#index.get(claim.node)!;
    this.#hash.text(`${atMs} ${observer} ${subject} ${claim.state} ${claim.boot} ${claim.incarnation} ${claim.by}`);
    this.#sighted({ atMs, observer, subject, claim });
  }

  #send(from: number, to: number, message: GossipMessage): void {
    this.counters.messages++;
    this.counters.claims += message.claims.length;
    this.counters.largest = Math.max(this.counters.largest, message.claims.length);
    for (const claim of message.claims) if (claim.state !== 'alive') this.#noteAccuser(claim);
    const { loss, duplicates, lateMs } = this.weather;
    if (this.#prng.chance(loss)) return;
    this.#carry(from, to, message, this.#prng.between(0.1, 1.5));
    if (duplicates > 0 && this.#prng.chance(duplicates)) this.#carry(from, to, message, this.#prng.between(0, lateMs));
  }

  #noteAccuser(claim: Claim): void {
    const life = lifeOf(claim);
    const accusers = this.#accusers.get(life);
    if (accusers === undefined) this.#accusers.set(life, new Set([claim.by]));
    else accusers.add(claim.by);
  }

  #carry(from: number, to: number, message: GossipMessage, delayMs: number): void {
    if (this.weather.blocked(from, to)) return;
    const { life } = this.members[to]!;
    this.timeline.after(delayMs + this.members[to]!.slowMs, () => this.#arrive(from, to, life, message));
  }

  #arrive(from: number, to: number, life: number, message: GossipMessage): void {
    const member = this.members[to]!;
    if (!member.up || member.life !== life) return;
    const awakeIn = member.pausedUntilMs - this.timeline.now;
    // On waking, the timers of a process come before its sockets.
    if (awakeIn > 0) return void this.timeline.after(awakeIn + 0.01, () => this.#arrive(from, to, life, message));
    this.#step(to, { type: 'message', from: this.#names[from]!, message });
  }
}

function lifeOf({ node, boot, incarnation }: Claim): string {
  return `${node} ${boot} ${incarnation}`;
}
