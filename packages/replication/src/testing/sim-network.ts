import { StoreError } from '@ferrite/errors';
import type { Outcome, PeerRequest, PeerResponse } from '../core/message.ts';
import type { Prng } from './prng.ts';
import type { Scenario } from './scenario.ts';
import type { Timeline } from './timeline.ts';

type Reply = (outcome: Outcome<PeerResponse>) => void;

/** Hands a request to a node's process; false if none runs there. */
export type Deliver = (to: string, request: PeerRequest, respond: Reply) => boolean;

interface Call {
  readonly from: string;
  readonly to: string;
  readonly settle: Reply;
}

/** How much worse than usual the links are: more loss and duplication, and delays so many times as long. */
export interface Disturbance {
  readonly loss: number;
  readonly duplication: number;
  readonly slowness: number;
}

/**
 * The wires between nodes: messages are delayed, lost, doubled and overtaken; links may be cut in one direction or both.
 * A call ends once: with the peer's answer, `FABRIC_UNAVAILABLE`, or `DEADLINE_EXCEEDED`. A request to coordinate is never
 * doubled: that would be a second write, and transports promise at most one delivery.
 */
export class SimNetwork {
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #config: Scenario['network'];
  readonly #deliver: Deliver;
  /** How many faults cut the link from one node to another. */
  readonly #cuts = new Map<string, number>();
  readonly #calls = new Set<Call>();
  readonly #disturbances = new Set<Disturbance>();
  #loss = 0;
  #duplication = 0;
  #slowness = 1;
  #calm = false;

  constructor(timeline: Timeline, prng: Prng, config: Scenario['network'], deliver: Deliver) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.#config = config;
    this.#deliver = deliver;
    this.#addUp();
  }

  call(from: string, to: string, request: PeerRequest, timeoutMs: number, reply: Reply): void {
    if (from === to) return void this.#timeline.after(0, () => reply(unavailable('none')));
    const deadline = this.#timeline.after(timeoutMs, () =>
      call.settle({ ok: false, error: new StoreError('DEADLINE_EXCEEDED', { effect: 'unknown' }) }),
    );
    const call: Call = {
      from,
      to,
      settle: (outcome) => {
        if (!this.#calls.delete(call)) return;
        deadline.run = undefined;
        reply(outcome);
      },
    };
    this.#calls.add(call);
    // A cut link is noticed at once by some dials, and only by the deadline by others.
    if (this.#isCut(from, to) && this.#prng.chance(0.5)) {
      return void this.#timeline.after(this.#delay(), () => call.settle(unavailable('none')));
    }
    const respond: Reply = (outcome) => this.#carry(to, from, () => call.settle(outcome));
    this.#carry(from, to, () => {
      if (!this.#deliver(to, request, respond)) {
        return this.#carry(to, from, () => call.settle(unavailable('none')));
      }
      if (request.type !== 'coordinate' && !this.#calm && this.#prng.chance(this.#duplication)) {
        this.#carry(from, to, () => void this.#deliver(to, request, respond));
      }
    });
  }

  /** The process at `node` ended: its own calls are forgotten, those to it break. */
  reset(node: string): void {
    for (const call of this.#calls) {
      if (call.from === node) this.#calls.delete(call);
      else if (call.to === node) this.#carry(node, call.from, () => call.settle(unavailable('unknown')));
    }
  }

  /** Cuts the link from one node to another until the returned function is called. */
  cut(from: string, to: string): () => void {
    const link = `${from}>${to}`;
    this.#cuts.set(link, (this.#cuts.get(link) ?? 0) + 1);
    return () => void this.#cuts.set(link, this.#cuts.get(link)! - 1);
  }

  /** Makes all links worse until the returned function is called. */
  disturb(disturbance: Disturbance): () => void {
    this.#disturbances.add(disturbance);
    this.#addUp();
    return () => {
      this.#disturbances.delete(disturbance);
      this.#addUp();
    };
  }

  #addUp(): void {
    const { loss, duplication } = this.#config;
    this.#loss = loss;
    this.#duplication = duplication;
    this.#slowness = 1;
    for (const each of this.#disturbances) {
      this.#loss += each.loss;
      this.#duplication += each.duplication;
      this.#slowness = Math.max(this.#slowness, each.slowness);
    }
  }

  /** From now on nothing is lost, doubled or very late. */
  calm(): void {
    this.#calm = true;
  }

  #carry(from: string, to: string, arrive: () => void): void {
    if (!this.#calm && this.#prng.chance(this.#loss)) return;
    this.#timeline.after(this.#delay(), () => {
      if (!this.#isCut(from, to)) arrive();
    });
  }

  #delay(): number {
    const { delayMs, late, lateMs } = this.#config;
    const usual = delayMs * this.#slowness * this.#prng.between(0.2, 1.8);
    return !this.#calm && this.#prng.chance(late) ? usual + this.#prng.between(0, lateMs) : usual;
  }

  #isCut(from: string, to: string): boolean {
    return (this.#cuts.get(`${from}>${to}`) ?? 0) > 0;
  }
}

function unavailable(effect: 'none' | 'unknown'): Outcome<PeerResponse> {
  return { ok: false, error: new StoreError('FABRIC_UNAVAILABLE', { effect }) };
}
