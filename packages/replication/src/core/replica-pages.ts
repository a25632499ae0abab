import type { Damage } from './damage.ts';
import { type Desk, expectAnswer } from './desk.ts';
import type { Outcome, RecordName, ScannedRecord, ScanPlace, Standing } from './message.ts';
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
  /** Records of the page's range that this node does not vouch for. */
  readonly unreadable: readonly RecordName[];
}

/** Where a page that cannot be read, or not all of it, is told of. */
type PageDamage = Pick<Damage, 'watch' | 'partition'>;

/** Pages of this node's records, over one keyspace or all, in the order (keyspace id, hash, key) (P19). */
export class ReplicaPages {
  readonly #desk: Desk;
  readonly #standings: Standings;
  readonly #topology: () => TopologyDocument;
  readonly #damage: PageDamage;
  readonly #planted: Planted;

  constructor(
    desk: Desk,
    standings: Standings,
    topology: () => TopologyDocument,
    damage: PageDamage,
    planted: Planted,
  ) {
    this.#desk = desk;
    this.#standings = standings;
    this.#topology = topology;
    this.#damage = damage;
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

  /** The first page that is not empty; a keyspace that ends is followed by the next one. `passed`: what came before it. */
  #from(
    ids: readonly number[],
    request: PageRequest,
    then: (outcome: Outcome<PageOfRecords>) => void,
    passed: Pick<PageOfRecords, 'standing' | 'unreadable'> = { standing: 'member', unreadable: [] },
  ): void {
    const [keyspaceId, ...rest] = ids;
    const { partition, maxRecords, maxBytes } = request;
    const standing = worseOf(passed.standing, this.#standings.of(partition));
    if (keyspaceId === undefined)
      return then({ ok: true, value: { records: [], more: false, standing, unreadable: passed.unreadable } });
    const after =
      request.after?.keyspaceId === keyspaceId ? { hash: request.after.hash, key: request.after.key } : undefined;
    const { unreadable } = this.#standings;
    const before = unreadable.within(keyspaceId, partition, after, undefined);
    const watch = this.#damage.watch(partition);
    this.#desk.ask({ type: 'page', keyspaceId, partition, after, maxRecords, maxBytes }, (answer) => {
      const { outcome, ticket } = expectAnswer(answer, 'page');
      this.#desk.forget(ticket);
      if (!outcome.ok) {
        if (outcome.error.kind === 'data_loss') this.#damage.partition(partition, () => {});
        return then(outcome);
      }
      const { next, damaged } = outcome.value;
      const now = unreadable.within(keyspaceId, partition, after, next);
      // What is missing here, nobody knows which, must not pass for absent (P7).
      const unnamed = damaged > now.unread && !this.#planted('page-hides-damage');
      if (unnamed) watch(damaged - now.unread);
      // As of before the page and of after it: while it was read, something may have been mended or written over.
      const told = {
        standing: unnamed ? 'recovering' : worseOf(standing, this.#standings.of(partition)),
        unreadable: [...passed.unreadable, ...[...before.keys, ...now.keys].map((key) => ({ keyspaceId, key }))],
      } as const;
      const records = outcome.value.records.map(({ key, value }) => ({ keyspaceId, key, record: value }));
      if (records.length > 0)
        return then({ ok: true, value: { records, more: next !== undefined || rest.length > 0, ...told } });
      if (next === undefined) return this.#from(rest, request, then, told);
      this.#from(ids, { ...request, after: { keyspaceId, ...next } }, then, told);
    });
  }
}

/** What two moments of one page are worth together. */
function worseOf(a: Standing, b: Standing): Standing {
  return a === 'member' ? b : a;
}
