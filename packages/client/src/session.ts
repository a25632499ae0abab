import type { ContextMemory } from './context-memory.ts';
import type { Deadline } from './deadline.ts';
import type { CallOptions, GetOptions, GetResult, PutOptions, WriteResult } from './types.ts';
import { toWireConsistency } from './wire.ts';
import { deleteKey, putValue, readRecord, type Target } from './write.ts';

/** What a session lets a write choose: what it replaces is what the session has seen. */
export type SessionWriteOptions = Omit<PutOptions, 'context' | 'blind'>;

/**
 * Calls that follow each other in what they see (P11): a get shows every write of this session and nothing older than its
 * earlier gets have shown, at any consistency, through any node; a write replaces what the session has seen. Calls on one
 * key take turns. A get that no replica can answer so throws `STALE_READ`.
 *
 * The session remembers the keys used last (4,096); of a key it has forgotten it starts anew.
 */
export interface Session {
  get(keyspace: string, key: Uint8Array, options?: Omit<GetOptions, 'atLeast'>): Promise<GetResult>;
  put(keyspace: string, key: Uint8Array, value: Uint8Array, options?: SessionWriteOptions): Promise<WriteResult>;
  delete(keyspace: string, key: Uint8Array, options?: Omit<SessionWriteOptions, 'ttlMs'>): Promise<WriteResult>;
  /** Forgets what was seen of a key, so that its next get may go back: the way on when what was seen is lost for good. */
  forget(keyspace: string, key: Uint8Array): void;
}

/** What a session needs of its client. */
export interface SessionHost {
  readonly contexts: ContextMemory;
  readonly run: <T>(options: CallOptions, call: (deadline: Deadline) => Promise<T>) => Promise<T>;
  readonly target: (keyspace: string, key: Uint8Array, deadline: Deadline) => Target;
}

export function openSession({ contexts, run, target }: SessionHost): Session {
  /** The end of the last call on each key that has one under way. */
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = <T>(
    keyspace: string,
    key: Uint8Array,
    options: CallOptions,
    call: (at: Target) => Promise<T>,
  ): Promise<T> => {
    const name = `${nameOf(keyspace)}\0${Buffer.from(key).toString('latin1')}`;
    const before = turns.get(name);
    const mine = run(options, async (deadline) => {
      // Its own caller hears what became of it.
      await before?.catch(() => undefined);
      deadline.signal.throwIfAborted();
      return await call({ ...target(nameOf(keyspace), key, deadline), inSession: true });
    });
    turns.set(name, mine);
    const clear = (): void => {
      if (turns.get(name) === mine) turns.delete(name);
    };
    mine.then(clear, clear);
    return mine;
  };

  return {
    get: (keyspace, key, options = {}) =>
      inTurn(keyspace, key, options, (at) => readRecord(at, toWireConsistency(options.consistency))),
    put: (keyspace, key, value, options = {}) =>
      inTurn(keyspace, key, options, (at) => putValue(at, value, { ...options, context: 'seen' })),
    delete: (keyspace, key, options = {}) =>
      inTurn(keyspace, key, options, (at) => deleteKey(at, { ...options, context: 'seen' })),
    forget: (keyspace, key) => contexts.remember(nameOf(keyspace), key, new Uint8Array()),
  };
}

function nameOf(keyspace: string): string {
  return keyspace === '' ? 'default' : keyspace;
}
