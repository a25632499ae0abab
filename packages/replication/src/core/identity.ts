import { StoreError } from '@ferrite/errors';
import { BootTrail } from './boot-trail.ts';
import type { Desk } from './desk.ts';
import type { KnownBoot, Registration } from './event.ts';
import { HELLO_TIMEOUT_MS, RETRY_AFTER_MS } from './limits.ts';
import type { Outcome, PeerRequest, PeerResponse } from './message.ts';
import type { Planted } from './mutation.ts';
import { majority } from './quorum.ts';

/** Pause between greetings while the node runs, in milliseconds. */
const GREET_EVERY_MS = 1_000;

/** What the boot needs from the node around it. */
export interface IdentityHost {
  readonly self: string;
  readonly clusterId: string;
  others(): readonly string[];
  epoch(): number;
  wallMs(): number;
  /** What a greeting tells of this node's fences. */
  fence(): number;
  send(to: string, request: PeerRequest, timeoutMs: number, then: (outcome: Outcome<PeerResponse>) => void): void;
  register(boot: number, incarnation: string, then: (outcome: Outcome<Registration>) => void): void;
  /** Makes the boot and what is known durable, then calls back. */
  persist(then: () => void): void;
  /** What a greeting tells of this node's clients. */
  load(): number;
  /** Greetings go out to all, about once a second. */
  greets(): void;
  /** A peer has answered a greeting, and told with what its fences began and what its clients have in flight. */
  answered(peer: string, told: { readonly fence: number; readonly clientOps: number }): void;
  /** A peer has not answered a greeting. */
  silent(peer: string): void;
  /** The boot is registered and no one knows a later one. */
  verified(): void;
  /** This disk holds less than the node once had: everything must be recovered, under new actors (P7, P9). */
  behind(why: string): void;
  failStop(error: StoreError): void;
}

/**
 * Who this process is (P9): a boot number that grows with each open of the disk, registered with the topology store by
 * compare-and-set, or with a majority of the other nodes while the store is away, and checked against every peer that can
 * be reached. Whoever knows a boot that this disk has not seen proves that the disk was rolled back or wiped.
 */
export class Identity {
  readonly #desk: Desk;
  readonly #host: IdentityHost;
  readonly #planted: Planted;
  readonly incarnation: string;
  boot: number;
  formed: boolean;
  /** The highest boot known of each other node. */
  readonly boots: Map<string, KnownBoot>;
  /** The boots that this disk has seen, this one included. */
  readonly trail: BootTrail;
  /** Those of {@link boots} that are on the medium. */
  readonly #durable = new Map<string, KnownBoot>();
  /** Peers that answered the last greeting, and why others did not. */
  readonly reachable = new Map<string, string>();
  #verified = false;

  constructor(
    desk: Desk,
    host: IdentityHost,
    planted: Planted,
    start: {
      incarnation: string;
      boot: number;
      formed: boolean;
      boots: Readonly<Record<string, KnownBoot>>;
      trail: readonly KnownBoot[];
    },
  ) {
    this.#desk = desk;
    this.#host = host;
    this.#planted = planted;
    this.incarnation = start.incarnation;
    this.boot = start.boot;
    this.formed = start.formed;
    this.boots = new Map(Object.entries(start.boots));
    this.trail = new BootTrail(start.trail);
    this.trail.add({ boot: this.boot, incarnation: this.incarnation });
    for (const [node, known] of this.boots) this.#durable.set(node, known);
  }

  /**
   * Registers the boot, which is durable by now (INV-REPL-9). First it only asks, the store and every peer: registering replaces what
   * they know of another disk, and a crash in between would forget the loss. What they say is judged, and made durable if
   * this disk is behind, before anything is replaced.
   */
  register(): void {
    let store: Outcome<Registration> | undefined;
    let replies: readonly HelloReply[] | undefined;
    const judge = (): void => {
      if (store !== undefined && replies !== undefined) this.#judge(store, replies);
    };
    // No boot is below the first: this only asks.
    this.#host.register(0, this.incarnation, (outcome) => {
      store = outcome;
      judge();
    });
    this.#greetAll({ boot: 0, register: false }, (all) => {
      replies = all;
      judge();
    });
  }

  #judge(store: Outcome<Registration>, replies: readonly HelloReply[]): void {
    // A disk without a history cannot tell a first start from a wipe; only the store can.
    if (!store.ok && !this.formed) return this.#retry();
    const known = store.ok ? store.value.known : undefined;
    const blind = !this.formed && this.#planted('wiped-counts-as-member');
    if (known !== undefined && blind) this.boot = Math.max(this.boot, known.boot + 1);
    else if (known !== undefined && this.#isForeign(known))
      return this.#isBehind(known, 'the topology store knows a boot of this node that this disk has not seen');
    const heard = blind || this.#planted('peers-not-heard') ? [] : replies;
    const other = heard.find((reply) => this.#isForeign(knownBy(reply)));
    if (other !== undefined) return this.#isBehind(knownBy(other), behindBecauseOf(other));
    if (!store.ok) return this.#storeAway();
    if (this.formed) return this.#registerInStore();
    this.formed = true;
    this.#host.persist(() => this.#registerInStore());
  }

  #registerInStore(): void {
    this.#host.register(this.boot, this.incarnation, (outcome) => {
      if (!outcome.ok) return this.#storeAway();
      const { registered, known } = outcome.value;
      const mine = registered || (known?.boot === this.boot && known.incarnation === this.incarnation);
      if (mine || known === undefined) return this.#greet();
      this.#isBehind(known, 'the topology store knows a later boot of this node');
    });
  }

  /** Answers a peer's greeting once its boot is remembered durably: any of us may be the last who knows it (INV-REPL-15). */
  hello(request: Extract<PeerRequest, { type: 'hello' }>, respond: (outcome: Outcome<PeerResponse>) => void): void {
    if (request.clusterId !== this.#host.clusterId) {
      const message = `node ${request.nodeId} belongs to the cluster ${request.clusterId}, not ${this.#host.clusterId}`;
      return respond({ ok: false, error: new StoreError('PROTOCOL_MISMATCH', { message }) });
    }
    const answer = (known: KnownBoot): void =>
      respond({
        ok: true,
        value: {
          type: 'hello',
          nodeId: this.#host.self,
          boot: this.boot,
          incarnation: this.incarnation,
          epoch: this.#host.epoch(),
          knownBoot: known.boot,
          knownIncarnation: known.incarnation,
          fence: this.#host.fence(),
          wallMs: this.#host.wallMs(),
          clientOps: this.#host.load(),
        },
      });
    if (request.nodeId === this.#host.self) return answer({ boot: this.boot, incarnation: this.incarnation });
    const known = this.boots.get(request.nodeId);
    if (request.boot === 0) return answer(known ?? { boot: 0, incarnation: '' });
    const fresh = { boot: request.boot, incarnation: request.incarnation };
    const newest = known !== undefined && known.boot >= request.boot ? known : fresh;
    this.boots.set(request.nodeId, newest);
    if (this.#durable.get(request.nodeId) === newest) return answer(newest);
    if (this.#planted('boots-in-memory') && !request.register) return answer(newest);
    this.#host.persist(() => {
      this.#durable.set(request.nodeId, newest);
      answer(newest);
    });
  }

  /** Greets every peer, now and ever after: the way a superseded process learns that it is one. */
  #greet(): void {
    this.#host.greets();
    this.#greetAll({ boot: this.boot, register: false }, (replies) => {
      const later = replies.find((reply) => this.#isLater(reply));
      if (later !== undefined) {
        if (this.#verified) {
          const message = `${later.nodeId} knows boot ${later.knownBoot} of this node, this process is boot ${this.boot}`;
          return this.#host.failStop(new StoreError('NODE_ID_IN_USE', { message }));
        }
        return this.#isBehind(knownBy(later), behindBecauseOf(later));
      }
      this.#isVerified();
      this.#desk.timer(GREET_EVERY_MS, () => this.#greet());
    });
  }

  /** Registers with a majority of the others. */
  #storeAway(): void {
    if (!this.formed) return this.#retry();
    this.#greetAll({ boot: this.boot, register: true }, (replies) => {
      const later = replies.find((reply) => this.#isLater(reply));
      if (later !== undefined) return this.#isBehind(knownBy(later), behindBecauseOf(later));
      if (replies.length >= majority(this.#host.others().length)) this.#isVerified();
      this.#retry();
    });
  }

  #retry(): void {
    this.#desk.timer(RETRY_AFTER_MS, () => this.register());
  }

  #isVerified(): void {
    if (this.#verified) return;
    this.#verified = true;
    this.trail.startAgain({ boot: this.boot, incarnation: this.incarnation });
    this.#host.verified();
  }

  #isForeign(known: KnownBoot): boolean {
    if (this.#planted('ignore-rollback') || this.#planted('boots-by-number')) return false;
    return this.trail.isForeign(known);
  }

  #isLater(reply: HelloReply): boolean {
    if (this.#planted('ignore-rollback') || this.#planted('peers-not-heard')) return false;
    return (
      reply.knownBoot > this.boot || (reply.knownBoot === this.boot && reply.knownIncarnation !== this.incarnation)
    );
  }

  #isBehind(known: KnownBoot, why: string): void {
    if (this.#planted('ignore-rollback')) this.boot = known.boot + 1;
    else {
      if (this.#verified) return this.#host.failStop(new StoreError('NODE_ID_IN_USE', { message: why }));
      if (!this.#planted('behind-keeps-boot')) this.boot = Math.max(this.boot, known.boot + 1);
      this.#host.behind(why);
    }
    // Accounted for: what that boot had is recovered.
    this.trail.add(known);
    this.trail.add({ boot: this.boot, incarnation: this.incarnation });
    this.formed = true;
    this.#host.persist(() => this.register());
  }

  #greetAll(
    greeting: { readonly boot: number; readonly register: boolean },
    then: (replies: readonly HelloReply[]) => void,
  ): void {
    const others = this.#host.others();
    const replies: HelloReply[] = [];
    let left = others.length;
    if (left === 0) return then(replies);
    const { self, clusterId } = this.#host;
    const { incarnation } = this;
    const epoch = this.#host.epoch();
    const request: PeerRequest = { type: 'hello', nodeId: self, clusterId, incarnation, epoch, ...greeting };
    for (const to of others) {
      this.#host.send(to, request, HELLO_TIMEOUT_MS, (outcome) => {
        if (outcome.ok && outcome.value.type === 'hello') {
          replies.push(outcome.value);
          this.reachable.set(to, '');
          this.#host.answered(to, outcome.value);
        } else {
          this.reachable.set(to, outcome.ok ? 'unexpected answer' : outcome.error.message);
          this.#host.silent(to);
        }
        if (--left === 0) then(replies);
      });
    }
  }
}

type HelloReply = Extract<PeerResponse, { type: 'hello' }>;

function knownBy({ knownBoot, knownIncarnation }: HelloReply): KnownBoot {
  return { boot: knownBoot, incarnation: knownIncarnation };
}

function behindBecauseOf({ nodeId }: HelloReply): string {
  return `${nodeId} knows a boot of this node that this disk has not seen`;
}
