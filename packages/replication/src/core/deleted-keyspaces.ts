import { invariant } from '@ferrite/errors';
import { expectAnswer } from './desk.ts';
import { forEachBounded } from './for-each-bounded.ts';
import { RETRY_AFTER_MS } from './limits.ts';
import type { ReplicaContext } from './replica-context.ts';
import { keyspaceById } from './replicas.ts';

/** Partitions looked at in one go for what a deleted keyspace left, before others have their turn. */
const AT_ONCE = 16;

/**
 * Gives back the room of deleted keyspaces (P18): their ids are never used again, so whatever lies under one may go. Looks at
 * each partition once when the node starts, and once when a keyspace is deleted while it runs.
 */
export class DeletedKeyspaces {
  readonly #node: ReplicaContext;
  readonly #done = new Set<number>();
  #running = false;

  constructor(node: ReplicaContext) {
    this.#node = node;
  }

  /** Call it when the node is verified, and for each new topology from then on. */
  run(): void {
    if (this.#running || !this.#node.standings.verified) return;
    const { keyspaces, nextKeyspaceId, table } = this.#node.topology();
    const present = new Set(this.#node.planted('reclaim-present') ? [] : keyspaces.map(({ id }) => id));
    let keyspaceId = 1;
    while (keyspaceId < nextKeyspaceId && (present.has(keyspaceId) || this.#done.has(keyspaceId))) keyspaceId++;
    if (keyspaceId >= nextKeyspaceId) return;
    this.#running = true;
    let failed = false;
    forEachBounded(
      table.map((_, partition) => partition),
      AT_ONCE,
      (partition, done) =>
        this.#reclaim(keyspaceId, partition, (ok) => {
          failed ||= !ok;
          done();
        }),
      () => {
        this.#running = false;
        if (!failed) this.#done.add(keyspaceId);
        this.#node.desk.timer(failed ? RETRY_AFTER_MS : 0, () => this.run());
      },
    );
  }

  #reclaim(keyspaceId: number, partition: number, then: (ok: boolean) => void): void {
    const { background, desk } = this.#node;
    background.run('reclaim', (release) => {
      const page = { keyspaceId, partition, after: undefined, maxRecords: 1, maxBytes: 1 };
      const ticket = desk.ask({ type: 'page', ...page }, (answer) => {
        desk.forget(ticket);
        const { outcome } = expectAnswer(answer, 'page');
        release(0);
        if (outcome.ok && outcome.value.records.length + outcome.value.damaged === 0) return then(true);
        const known = keyspaceById(this.#node.topology(), keyspaceId);
        invariant(known === undefined, 'INV-REPL-25', 'only what lies under a deleted keyspace is dropped');
        // What cannot be read is given back as well.
        this.#node.records.dropDeleted(keyspaceId, partition, then);
      });
    });
  }
}
