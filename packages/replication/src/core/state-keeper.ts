import { latin1 } from './bytes.ts';
import type { Holdings } from './holdings.ts';
import type { Identity } from './identity.ts';
import { SYSTEM_KEYSPACE } from './limits.ts';
import type { LocalRecords } from './local-records.ts';
import type { ReplicaContext } from './replica-context.ts';
import { SYSTEM_STATE_KEY, type SystemState } from './system-state.ts';

/** Makes the node's own state durable; calls that come while it is written share the next write. */
export class StateKeeper {
  readonly #records: LocalRecords;
  readonly #encode: () => Uint8Array;
  #waiters: (() => void)[] = [];
  #writing = false;

  /** `encode` gives the state as it is when it is called. */
  constructor(records: LocalRecords, encode: () => Uint8Array) {
    this.#records = records;
    this.#encode = encode;
  }

  /** Calls `then` when the state as it is now, or a later one, is durable. */
  keep(then: () => void): void {
    this.#waiters.push(then);
    if (!this.#writing) this.#write();
  }

  #write(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#writing = true;
    this.#records.writeSystem(SYSTEM_KEYSPACE, SYSTEM_STATE_KEY, this.#encode, () => {
      this.#writing = false;
      for (const waiter of waiters) waiter();
      if (this.#waiters.length > 0 && !this.#writing) this.#write();
    });
  }
}

/** What the node keeps of itself, as it is now. */
export function nodeState(node: ReplicaContext, identity: Identity, holdings: Holdings): Omit<SystemState, 'actors'> {
  const { standings, planted } = node;
  const { boot, incarnation, formed, boots, trail } = identity;
  return {
    clusterId: node.topology().clusterId,
    boot,
    incarnation,
    formed,
    recovering: planted('gap-not-durable') ? [] : standings.partitions('recovering'),
    ambiguous: planted('doubt-not-durable') ? [] : standings.partitions('ambiguous'),
    stale: standings.stale(),
    unreadable: standings.unreadable.all().map(({ keyspaceId, key, held }) => ({ keyspaceId, key: latin1(key), held })),
    hints: node.hints.blocks(),
    holds: holdings.toRecord(),
    boots: Object.fromEntries(boots),
    trail: trail.toRecord(),
  };
}
