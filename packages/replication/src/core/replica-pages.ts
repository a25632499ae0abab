import { type Desk, expectAnswer } from './desk.ts';
import type { Outcome, ScannedRecord, ScanPlace, Standing } from './message.ts';
import type { Planted } from './mutation.ts';
import type { Standings } from './standings.ts';
import type { TopologyDocument } from './topology.ts';

/** What a page of this node's own records is asked for. */
export interface PageRequest {
  /** 0: all keyspaces, in the order of their ids. */
  readonly keyspaceId: number;
  readonly partition: number;
  readonly after: ScanPlace | undefined;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

export interface PageOfRecords {
  readonly records: readonly ScannedRecord[];
  readonly more: boolean;
  readonly standing: Standing;
}

/** Pages of this node's records, over one keyspace or all, in the order (keyspace id, hash, key) (P19). */
export class ReplicaPages {
  readonly #desk: Desk;
  readonly #standings: Standings;
  readonly #topology: () => TopologyDocument;
  readonly #damaged: (partition: number) => void;
  readonly #planted: Planted;

  /** `damaged` is told of a partition in which records cannot be read. */
  constructor(
    desk: Desk,
    standings: Standings,
    topology: () => TopologyDocument,
    damaged: (partition: number) => void,
    planted: Planted,
  ) {
    this.#desk = desk;
    this.#standings = standings;
    this.#topology = topology;
    this.#damaged = damaged;
    this.#planted = planted;
  }

  read(request: PageRequest, then: (outcome: Outcome<PageOfRecords>) => void): void {
    const { after } = request;
    const ids =
      request.keyspaceId !== 0
        ? [request.keyspaceId]
        : this.#topology()
            .keyspaces.map(({ id }) => id)
            .sort((a, b) => a - b);
    const left = after === undefined ? ids : ids.filter((id) => id >= after.keyspaceId);
    this.#from(left, request, then);
  }

  /** The first page that is not empty; a keyspace that ends is followed by the next one. */
  #from(ids: readonly number[], request: PageRequest, then: (outcome: Outcome<PageOfRecords>) => void): void {
    const [keyspaceId, ...rest] = ids;
    let standing = this.#standings.of(request.partition);
    if (keyspaceId === undefined) return then({ ok: true, value: { records: [], more: false, standing } });
    const { partition, maxRecords, maxBytes } = request;
    const after =
      request.after?.keyspaceId === keyspaceId ? { hash: request.after.hash, key: request.after.key } : undefined;
    this.#desk.ask({ type: 'page', keyspaceId, partition, after, maxRecords, maxBytes }, (answer) => {
      const { outcome, ticket } = expectAnswer(answer, 'page');
      this.#desk.forget(ticket);
      if (!outcome.ok) {
        if (outcome.error.kind === 'data_loss') this.#damaged(partition);
        return then(outcome);
      }
      if (outcome.value.damaged > 0 && !this.#planted('page-hides-damage')) {
        // What is missing here must not pass for absent (P7).
        this.#damaged(partition);
        standing = 'recovering';
      }
      const { next } = outcome.value;
      const records = outcome.value.records.map(({ key, value }) => ({ keyspaceId, key, record: value }));
      if (records.length > 0)
        return then({ ok: true, value: { records, more: next !== undefined || rest.length > 0, standing } });
      if (next === undefined) return this.#from(rest, request, then);
      this.#from(ids, { ...request, after: { keyspaceId, ...next } }, then);
    });
  }
}
