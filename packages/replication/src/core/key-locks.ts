/**
 * One lock a key (P1): whoever holds it alone reads, merges and appends that key. Held from the read until the engine has
 * accepted the append, never while waiting for a peer. Keys are known by their slots, which some share, and with them the
 * lock: nobody holds two.
 */
export class KeyLocks {
  /** Who waits, behind whoever holds the lock; `undefined`: nobody. */
  readonly #queues = new Map<number, (() => void)[] | undefined>();

  /** Calls `body` as soon as the key is free, at once if it is. Whoever gets it calls {@link release} exactly once. */
  acquire(slot: number, body: () => void): void {
    if (!this.#queues.has(slot)) {
      this.#queues.set(slot, undefined);
      return body();
    }
    const queue = this.#queues.get(slot);
    if (queue === undefined) this.#queues.set(slot, [body]);
    else queue.push(body);
  }

  release(slot: number): void {
    const next = this.#queues.get(slot)?.shift();
    if (next === undefined) this.#queues.delete(slot);
    else next();
  }
}
