import { type Claim, compareLives, supersedes } from './claim.ts';
import type { PlantedInMembership } from './mutation.ts';
import { Suspicion } from './suspicion.ts';

/** What hearing a claim came to: nothing new, a claim to pass on, or a claim that changes what is held of the node. */
export type Heard = 'known' | 'confirmed' | 'changed';

/** Blind draws before a list of all candidates is made. */
const DRAWS_MAX = 16;

/** What this node holds of each other one, and the suspicions that are running. Decides what is news; sends nothing. */
export class ClaimTable {
  readonly #held = new Map<string, Claim>();
  readonly #suspicions = new Map<string, Suspicion>();
  readonly #planted: PlantedInMembership;
  #nodes: readonly string[] = [];
  #live = 0;

  constructor(planted: PlantedInMembership) {
    this.#planted = planted;
  }

  /** Nodes that are not held for dead. */
  get live(): number {
    return this.#live;
  }

  get(node: string): Claim | undefined {
    return this.#held.get(node);
  }

  all(): readonly Claim[] {
    return [...this.#held.values()];
  }

  suspects(): readonly Claim[] {
    return [...this.#suspicions.keys()].map((node) => this.#held.get(node)!);
  }

  isLive(node: string): boolean {
    const claim = this.#held.get(node);
    return claim !== undefined && claim.state !== 'dead';
  }

  /** Nodes come and go with the topology, never by what is said of them. A new one is taken for alive in a life before its first. */
  replace(nodes: readonly string[]): void {
    const wanted = new Set(nodes);
    this.#nodes = [...wanted];
    for (const node of this.#held.keys()) {
      if (wanted.has(node)) continue;
      this.#held.delete(node);
      this.#suspicions.delete(node);
    }
    for (const node of wanted) {
      if (!this.#held.has(node)) this.#held.set(node, { node, state: 'alive', boot: 0, incarnation: 0, by: node });
    }
    this.#live = this.all().filter(({ state }) => state !== 'dead').length;
  }

  /** At most `count` different nodes for which `wanted` holds, at random. */
  draw(count: number, random: () => number, wanted: (node: string) => boolean): readonly string[] {
    const drawn = new Set<string>();
    // In a large cluster a few blind draws nearly always do; only then is it worth looking at every node.
    for (let tries = DRAWS_MAX; tries > 0 && drawn.size < count && this.#nodes.length > DRAWS_MAX; tries--) {
      const node = this.#nodes[Math.floor(random() * this.#nodes.length)]!;
      if (wanted(node)) drawn.add(node);
    }
    if (drawn.size === count) return [...drawn];
    const left = this.#nodes.filter((node) => !drawn.has(node) && wanted(node));
    while (drawn.size < count && left.length > 0) {
      const at = Math.floor(random() * left.length);
      drawn.add(left[at]!);
      left[at] = left.at(-1)!;
      left.pop();
    }
    return [...drawn];
  }

  /** Takes a claim about another node if it is news (INV-SWIM-1); `factor` stretches a suspicion that it starts. */
  hear(claim: Claim, nowMs: number, factor: number): Heard {
    const held = this.#held.get(claim.node);
    if (held === undefined) return 'known';
    const older = compareLives(claim, held) < 0 && !this.#planted('accept-older-life');
    if (older || !(supersedes(claim, held) || this.#planted('accept-older-life'))) {
      return this.#confirms(claim, held) ? 'confirmed' : 'known';
    }
    if (claim.state === held.state && compareLives(claim, held) === 0) return 'known';
    this.#held.set(claim.node, claim);
    this.#live += Number(claim.state !== 'dead') - Number(held.state !== 'dead');
    if (claim.state === 'suspect') this.#suspect(claim, nowMs, factor);
    else if (!this.#planted('suspicion-not-ended') && !this.#planted('suspicion-not-restarted'))
      this.#suspicions.delete(claim.node);
    return 'changed';
  }

  /** The suspicions whose time is over, as claims that the suspects are dead. */
  expired(nowMs: number, self: string): Claim[] {
    const dead: Claim[] = [];
    for (const [node, suspicion] of this.#suspicions) {
      if (nowMs < suspicion.endsAtMs) continue;
      const held = this.#held.get(node)!;
      if (held.state === 'suspect' || this.#planted('suspicion-not-ended'))
        dead.push({ ...held, state: 'dead', by: self });
    }
    return dead;
  }

  /** Each suspicion is of one life, and begins with it (INV-SWIM-3). */
  #suspect(claim: Claim, nowMs: number, factor: number): void {
    if (this.#planted('suspicion-not-restarted') && this.#suspicions.has(claim.node)) return;
    this.#suspicions.set(claim.node, new Suspicion(claim.by, nowMs, this.#live - 1, factor));
  }

  #confirms(claim: Claim, held: Claim): boolean {
    if (claim.state !== 'suspect' || held.state !== 'suspect' || compareLives(claim, held) !== 0) return false;
    return this.#suspicions.get(claim.node)?.confirm(claim, this.#planted('confirmations-counted-twice')) === true;
  }
}
