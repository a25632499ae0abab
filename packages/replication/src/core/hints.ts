import { StoreError } from '@ferrite/errors';
import { fromLatin1, latin1 } from './bytes.ts';
import { expectAnswer } from './desk.ts';
import { sendRecord } from './fenced-write.ts';
import { forEachBounded } from './for-each-bounded.ts';
import { type Hint, HintBook } from './hint-book.ts';
import {
  HINTS_STORED_AFTER_MS,
  HINTS_WRITE_AFTER_MS,
  MERGES_MAX,
  SYSTEM_KEYSPACE,
  TRANSFER_TIMEOUT_MS,
} from './limits.ts';
import { RecordKey } from './record-key.ts';
import type { ReplicaContext } from './replica-context.ts';
import { keyspaceById, partitionOfKey, replicasOf } from './replicas.ts';
import { partitionEpoch } from './topology-moves.ts';

/** How handoff goes on. */
export interface HintsStatus {
  readonly delivered: number;
  /** Peers that may lack something: how many hints they have, and for how many more there was no room (anti-entropy has them). */
  readonly peers: readonly { readonly peer: string; readonly hints: number; readonly refused: number }[];
}

/**
 * Hinted handoff: a write that a replica did not confirm leaves a hint with its coordinator, which is a replica itself and
 * holds the record; when the peer answers again it gets the record as it is then. A hint names a record and holds none: it
 * cannot bring back what was forgotten. It is stored a moment later, without anybody waiting, and counts for nothing
 * (INV-REPL-10); what is lost with a crash, anti-entropy finds.
 */
export class Hints {
  readonly #node: Omit<ReplicaContext, 'hints'>;
  readonly #persist: (then: () => void) => void;
  readonly #book = new HintBook();
  /** Blocks whose stored copy is out of date. */
  readonly #dirty = new Set<string>();
  readonly #delivering = new Set<string>();
  /** Who waits until a block is durable, by its name. */
  readonly #waiters = new Map<string, ((stored: boolean) => void)[]>();
  #writing = false;
  #delivered = 0;

  /** `persist` stores the node's state, which holds how many blocks there are, and calls back when it is durable. */
  constructor(node: Omit<ReplicaContext, 'hints'>, persist: (then: () => void) => void) {
    this.#node = node;
    this.#persist = persist;
  }

  /** Reads what the last life left. */
  load(blocks: Readonly<Record<string, number>>): void {
    for (const [peer, count] of Object.entries(blocks)) {
      for (let block = 0; block < count; block++) this.#load(peer, block);
    }
  }

  /** A write of this coordinator was not confirmed by `peer`. `stored` hears when the hint is durable, or that it will not be. */
  leave(peer: string, keyspaceId: number, key: Uint8Array, stored?: (ok: boolean) => void): void {
    // The key outlives the request it came with.
    this.#note(peer, { keyspaceId, partition: partitionOfKey(this.#node.topology(), key), key: key.slice() }, stored);
  }

  /** `peer` has answered: it gets what it lacks. */
  answered(peer: string): void {
    if (this.#delivering.has(peer) || !this.#node.standings.verified || this.#node.planted('hints-undelivered')) return;
    const hints = this.#book.for(peer);
    if (hints.length === 0) return;
    this.#delivering.add(peer);
    let failed = false;
    forEachBounded(
      hints,
      MERGES_MAX,
      (hint, done) => {
        if (failed) return done();
        this.#deliver(peer, hint, (outcome) => {
          if (outcome === 'failed') failed = true;
          if (outcome === 'done') this.#strike(peer, hint, hint.times);
          done();
        });
      },
      () => void this.#delivering.delete(peer),
    );
  }

  /** Somebody may still lack a record of the partition (P8). */
  hasFor(partition: number): boolean {
    return this.#book.hasFor(partition);
  }

  /** How many blocks there are of each peer, for the node's state. */
  blocks(): Record<string, number> {
    return Object.fromEntries(this.#book.blocks());
  }

  status(): HintsStatus {
    return { delivered: this.#delivered, peers: this.#book.status() };
  }

  #deliver(
    peer: string,
    { keyspaceId, key, partition }: Hint,
    then: (outcome: 'done' | 'keep' | 'failed') => void,
  ): void {
    const { records, standings, background, self } = this.#node;
    const topology = this.#node.topology();
    const keyspace = keyspaceById(topology, keyspaceId);
    const replicas = keyspace === undefined ? [] : replicasOf(topology, keyspace, partition);
    // Who is no replica any more needs nothing, and who is none here has nothing to say.
    if (!replicas.includes(peer) || !replicas.includes(self)) return then('done');
    if (standings.ofRecord(partition, keyspaceId, key) !== 'member') return then('keep');
    const epoch = partitionEpoch(topology, partition);
    background.run('hints', (release) => {
      const fence = this.#node.fences.of(peer, partition);
      records.read(new RecordKey(keyspaceId, key), true, (outcome) => {
        const record = outcome.ok ? outcome.value : undefined;
        if (record === undefined) {
          release(0);
          return then(outcome.ok ? 'done' : 'keep');
        }
        const write = { epoch, keyspaceId, key, record, memory: false, fence };
        sendRecord(this.#node, peer, write, TRANSFER_TIMEOUT_MS, (reply) => {
          release(record.byteLength);
          const taken = reply.ok && reply.value.type === 'write' && reply.value.durable;
          if (taken) this.#delivered++;
          then(taken ? 'done' : 'failed');
        });
      });
    });
  }

  #note(peer: string, hint: Hint, stored?: (ok: boolean) => void): void {
    const blocks = this.#book.blocks().find(([each]) => each === peer)?.[1] ?? 0;
    const block = this.#book.add(peer, hint);
    if (block === undefined) return stored?.(false);
    if (block >= blocks) this.#persist(() => {});
    this.#soil(peer, block);
    if (stored === undefined) return;
    const name = `${block}/${peer}`;
    const waiters = this.#waiters.get(name);
    if (waiters !== undefined) return void waiters.push(stored);
    this.#waiters.set(name, [stored]);
    // Somebody waits for it: a little company is enough.
    this.#node.desk.timer(HINTS_STORED_AFTER_MS, () => {
      this.#dirty.delete(name);
      this.#write(name);
    });
  }

  #strike(peer: string, hint: Hint, times: number): void {
    const block = this.#book.strike(peer, hint, times);
    if (block !== undefined) this.#soil(peer, block);
  }

  #soil(peer: string, block: number): void {
    this.#dirty.add(`${block}/${peer}`);
    if (this.#writing) return;
    this.#writing = true;
    this.#node.desk.timer(HINTS_WRITE_AFTER_MS, () => {
      this.#writing = false;
      for (const name of this.#dirty) this.#write(name);
      this.#dirty.clear();
    });
  }

  /** Stores a block, or removes it when it is empty. A device that refuses it now gets it with the next change. */
  #write(name: string): void {
    const [block = '', ...peer] = name.split('/');
    const hints = this.#book.block(peer.join('/'), Number(block));
    const lines = hints.map(({ keyspaceId, key }) => [keyspaceId, latin1(key)]);
    const document = hints.length === 0 ? undefined : fromLatin1(JSON.stringify({ format: 1, hints: lines }));
    const waiters = this.#waiters.get(name) ?? [];
    this.#waiters.delete(name);
    const tell = (stored: boolean): void => {
      for (const waiter of waiters) waiter(stored);
    };
    this.#node.records.tryWriteSystem(
      SYSTEM_KEYSPACE,
      documentKey(name),
      document,
      () => {
        if (waiters.length > 0) this.#persist(() => tell(true));
      },
      (error) => {
        tell(false);
        if (error.reason !== 'DEVICE_FAILED') this.#dirty.add(name);
      },
    );
  }

  #load(peer: string, block: number): void {
    const read = { type: 'read', keyspaceId: SYSTEM_KEYSPACE, key: documentKey(`${block}/${peer}`) } as const;
    const ticket = this.#node.desk.ask(read, (answer) => {
      this.#node.desk.forget(ticket);
      const { outcome } = expectAnswer(answer, 'read');
      if (!outcome.ok || outcome.value === undefined) return;
      try {
        const { hints } = JSON.parse(latin1(outcome.value)) as {
          readonly hints: readonly (readonly [number, string])[];
        };
        for (const [keyspaceId, key] of hints) this.leave(peer, keyspaceId, fromLatin1(key));
      } catch (error) {
        if (!(error instanceof SyntaxError || error instanceof TypeError || StoreError.is(error))) throw error;
      }
    });
  }
}

function documentKey(name: string): Uint8Array {
  return fromLatin1(`hints/${name}`);
}
