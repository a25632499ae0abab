import type { Claim } from './claim.ts';
import { RETELL_FACTOR } from './limits.ts';

/** Claims that still have to be told to others: one for each node at most, those told least come first. */
export class Rumours {
  /** By how often they were told; within that in the order in which they came to be told so often. */
  readonly #byTold: Map<string, Claim>[] = [new Map()];
  readonly #told = new Map<string, number>();

  /** A claim to tell; it takes the place of what was told of that node. */
  add(claim: Claim): void {
    this.forget(claim.node);
    this.#byTold[0]!.set(claim.node, claim);
    this.#told.set(claim.node, 0);
  }

  forget(node: string): void {
    const told = this.#told.get(node);
    if (told === undefined) return;
    this.#byTold[told]!.delete(node);
    this.#told.delete(node);
  }

  /** Whether some claim has been told to fewer than `tellings` others. */
  fresh(tellings: number): boolean {
    return this.#byTold.slice(0, tellings).some((rumours) => rumours.size > 0);
  }

  /** At most `count` claims for one message, none of them about `except`; a claim told often enough among `nodes` is dropped. */
  take(count: number, nodes: number, except?: string): Claim[] {
    const chosen: Claim[] = [];
    for (const rumours of this.#byTold) {
      for (const claim of rumours.values()) {
        if (chosen.length === count) break;
        if (claim.node !== except) chosen.push(claim);
      }
    }
    const enough = Math.ceil(RETELL_FACTOR * Math.log2(nodes + 1));
    for (const claim of chosen) this.#wasTold(claim, enough);
    return chosen;
  }

  #wasTold(claim: Claim, enough: number): void {
    const told = this.#told.get(claim.node)! + 1;
    this.forget(claim.node);
    if (told >= enough) return;
    while (this.#byTold.length <= told) this.#byTold.push(new Map());
    this.#byTold[told]!.set(claim.node, claim);
    this.#told.set(claim.node, told);
  }
}
