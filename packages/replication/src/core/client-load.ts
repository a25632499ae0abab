/** How much clients have in flight where they have most. */
export interface Pressure {
  readonly ops: number;
  /** The peer where that is; empty: this node. */
  readonly peer: string;
}

/**
 * How busy clients keep this node and its peers: the operations they have in flight, here as each new operation has met them
 * over the last second or two, there as the peers told with their last greeting. Background work at one node costs all of
 * them, so it yields to whoever is busiest.
 */
export class ClientLoad {
  #inFlight = 0;
  /** Of the second that runs: operations begun, and how many were in flight when each began, in sum. */
  #begun = 0;
  #met = 0;
  #lastMean = 0;
  readonly #peers = new Map<string, number>();

  /** Operations in flight now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** What this node tells its peers. */
  get own(): number {
    return Math.max(Math.round(this.#lastMean), this.#inFlight);
  }

  began(): void {
    this.#begun++;
    this.#met += ++this.#inFlight;
  }

  ended(): void {
    this.#inFlight--;
  }

  /** Call it about once a second. */
  second(): void {
    this.#lastMean = this.#begun === 0 ? 0 : this.#met / this.#begun;
    this.#begun = 0;
    this.#met = 0;
  }

  /** What a peer told; 0 of one that does not answer any more. */
  learn(peer: string, ops: number): void {
    if (ops === 0) this.#peers.delete(peer);
    else this.#peers.set(peer, ops);
  }

  get most(): Pressure {
    let most: Pressure = { ops: this.own, peer: '' };
    for (const [peer, ops] of this.#peers) if (ops > most.ops) most = { ops, peer };
    return most;
  }
}
