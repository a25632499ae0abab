/**
 * One lock a key (P1): whoever holds it alone reads, merges and appends that key. Held from the read until the engine has
 * accepted the append, never while waiting for a peer.
 */
export class KeyLocks {
  readonly #queues = new Map<string, (() => void)[]>();

  /** Calls `body` as soon as the key is free, at once if it is. Whoever gets it calls {@link release} exactly once. */
  acquire(key: string, body: () => void): void {
    const queue = this.#queues.get(key);
    if (queue === undefined) {
      this.#queues.set(key, []);
      body();
    } else queue.push(body);
  }

  release(key: string): void {
    const next = this.#queues.get(key)?.shift();
    if (next === undefined) this.#queues.delete(key);
    else next();
  }
}
