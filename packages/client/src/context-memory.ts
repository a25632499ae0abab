/** What this client last saw of each key: at most `capacity` contexts, the least recently used forgotten first (P11). */
export class ContextMemory {
  readonly #contexts = new Map<string, Uint8Array>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  recall(keyspace: string, key: Uint8Array): Uint8Array | undefined {
    const name = nameOf(keyspace, key);
    const context = this.#contexts.get(name);
    if (context === undefined) return undefined;
    this.#contexts.delete(name);
    this.#contexts.set(name, context);
    return context;
  }

  /** Keeps a copy of `context` (which may be a view of a large buffer) in place of what was remembered of the key; an empty one is forgotten. */
  remember(keyspace: string, key: Uint8Array, context: Uint8Array): void {
    const name = nameOf(keyspace, key);
    this.#contexts.delete(name);
    if (context.length === 0) return;
    this.#contexts.set(name, context.slice());
    if (this.#contexts.size <= this.#capacity) return;
    const [oldest] = this.#contexts.keys();
    if (oldest !== undefined) this.#contexts.delete(oldest);
  }
}

/** Keyspace names hold no NUL, so the two parts cannot be confused. */
function nameOf(keyspace: string, key: Uint8Array): string {
  return `${keyspace}\0${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`;
}
