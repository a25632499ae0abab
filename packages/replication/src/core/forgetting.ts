import { highestCounter, isEmptyContext } from '@ferrite/vector-clock';
import { compareBytes, fromLatin1 } from './bytes.ts';
import { forEachBounded } from './for-each-bounded.ts';
import { FORGET_RECORDS_MAX, SYSTEM_KEYSPACE, TRANSFER_TIMEOUT_MS } from './limits.ts';
import type { Outcome, PeerRequest, PeerResponse, ScannedRecord } from './message.ts';
import { decodeVersions, encodeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import type { ForgetRequest } from './repair-message.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { keyspaceById, replicasOf } from './replicas.ts';
import { Tombstones } from './tombstones.ts';
import { moveOf, partitionEpoch } from './topology-moves.ts';

/** How forgetting goes on. */
export interface ForgettingStatus {
  /** Tombstones this node would forget if it could, and dropped so far. */
  readonly waiting: number;
  readonly forgotten: number;
  /** Why the last round left some; empty if it did not. */
  readonly stalled: string;
}

type ForgetResponse = Extract<PeerResponse, { readonly type: 'forget' }>;

const NOTHING: Versions = decodeVersions(undefined);
const MARKER_KEY: Uint8Array = fromLatin1('forgetting');

/**
 * Forgets tombstones (P8, INV-REPL-16). The first replica of a partition asks all others to confirm the very bytes it
 * holds: a replica does so only as a member that can read all its records and has no hint for the partition, and when
 * something flushed after the tombstone is flushed too, so that no torn tail can take it back. Only when all have
 * confirmed are all told to drop it; each raises its fence first, so that nothing read before that is ever merged, and
 * never uses a dot again that the tombstone covered. One replica that does not answer holds all of it up.
 */
export class Forgetting {
  readonly #node: ReplicaContext;
  readonly #everyMs: number;
  readonly #tombstones = new Tombstones();
  #running = false;
  #forgotten = 0;
  #stalled = '';
  #lastStalled = '';

  constructor(node: ReplicaContext, everyMs: number) {
    this.#node = node;
    this.#everyMs = everyMs;
  }

  /** Begins the rounds, the first after a pause. Call it when the node is verified. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#roundLater();
  }

  status(): ForgettingStatus {
    return { waiting: this.#tombstones.count, forgotten: this.#forgotten, stalled: this.#lastStalled };
  }

  /** This node now holds these versions of a key. */
  saw(at: RecordKey, versions: Versions): void {
    const { keyspaceId, key } = at;
    const topology = this.#node.topology();
    const keyspace = keyspaceById(topology, keyspaceId);
    if (keyspace === undefined) return;
    const partition = at.partition(topology.partitionBits);
    const first = replicasOf(topology, keyspace, partition)[0] === this.#node.self;
    if (first && versions.siblings.length === 0 && !isEmptyContext(versions.context))
      this.#tombstones.add(partition, { keyspaceId, key });
    else this.#tombstones.remove(partition, { keyspaceId, key });
  }

  /** Answers the replica that asks. */
  answer(request: ForgetRequest, then: (response: ForgetResponse) => void): void {
    if (request.drop) this.#drop(request.partition, request.records, then);
    else this.#confirm(request, then);
  }

  #round(): void {
    this.#stalled = '';
    this.#meetAll();
    forEachBounded(
      this.#tombstones.beginRound(),
      1,
      (partition, done) => this.#forget(partition, done),
      () => {
        this.#lastStalled = this.#stalled;
        this.#roundLater();
      },
    );
  }

  #roundLater(): void {
    this.#node.desk.timer(this.#everyMs, () => this.#round());
  }

  /** Has the trees of the partitions this node is the first of built: that meets the tombstones of earlier lives. */
  #meetAll(): void {
    const { trees, self } = this.#node;
    const topology = this.#node.topology();
    const own = topology.nodes.findIndex(({ id }) => id === self);
    const again = this.#tombstones.takeRoom();
    for (const [partition, row] of topology.table.entries()) {
      if (row[0] !== own) continue;
      for (const { id } of topology.keyspaces) {
        if (again) trees.doubt(partition, id);
        trees.ready(partition, id);
      }
    }
  }

  #forget(partition: number, done: () => void): void {
    const topology = this.#node.topology();
    const due = this.#tombstones.due(partition, FORGET_RECORDS_MAX);
    const byKeyspace = Map.groupBy(due, ({ keyspaceId }) => keyspaceId);
    const keyspaces = topology.keyspaces.filter(({ id }) => byKeyspace.has(id));
    forEachBounded(
      keyspaces,
      1,
      (keyspace, next) => {
        const replicas = replicasOf(topology, keyspace, partition);
        this.#read(
          keyspace.id,
          byKeyspace.get(keyspace.id)!.map(({ key }) => key),
          (records) => this.#ask(partition, replicas, records, next),
        );
      },
      done,
    );
  }

  /** Those of the records that are tombstones still, as they are stored. */
  #read(keyspaceId: number, keys: readonly Uint8Array[], then: (records: readonly ScannedRecord[]) => void): void {
    const records: ScannedRecord[] = [];
    forEachBounded(
      keys,
      FORGET_RECORDS_MAX,
      (key, done) =>
        this.#node.records.read(new RecordKey(keyspaceId, key), true, (outcome) => {
          if (outcome.ok && outcome.value !== undefined && decodeVersions(outcome.value).siblings.length === 0)
            records.push({ keyspaceId, key, record: outcome.value });
          done();
        }),
      () => then(records),
    );
  }

  /** Has all replicas confirm, then has them drop what all of them hold alike. */
  #ask(partition: number, replicas: readonly string[], records: readonly ScannedRecord[], done: () => void): void {
    if (records.length === 0) return done();
    const epoch = partitionEpoch(this.#node.topology(), partition);
    this.#everyone(replicas, { type: 'forget', epoch, partition, records, drop: false }, (confirmed, why) => {
      const { planted } = this.#node;
      const needed = planted('forget-without-all') ? replicas.length - 1 : replicas.length;
      if (confirmed.length < needed) this.#stalled = `partition ${partition}: ${why}`;
      const alike = records.filter((_, at) => confirmed.filter(({ agreed }) => agreed.includes(at)).length >= needed);
      if (alike.length === 0) return done();
      this.#everyone(replicas, { type: 'forget', epoch, partition, records: alike, drop: true }, () => done());
    });
  }

  /** Asks every replica, this one among them; `then` hears those that are not held up, and why others are. */
  #everyone(
    replicas: readonly string[],
    request: ForgetRequest,
    then: (responses: readonly ForgetResponse[], why: string) => void,
  ): void {
    const responses: ForgetResponse[] = [];
    let why = '';
    let left = replicas.length;
    const settle = (from: string, outcome: Outcome<PeerResponse>): void => {
      if (!outcome.ok) why = `${from}: ${outcome.error.reason}`;
      else if (outcome.value.type === 'forget' && outcome.value.blocked === '') responses.push(outcome.value);
      else if (outcome.value.type === 'forget') why = `${from}: ${outcome.value.blocked}`;
      if (--left === 0) then(responses, why);
    };
    const bytes = request.records.reduce((sum, { key, record }) => sum + key.byteLength + record.byteLength, 0);
    for (const replica of replicas) {
      if (replica === this.#node.self) {
        this.answer(request, (value) => settle(replica, { ok: true, value }));
        continue;
      }
      this.#node.background.run('forgetting', (release) => {
        const question: PeerRequest = request;
        sendTo(this.#node, replica, question, TRANSFER_TIMEOUT_MS, (outcome) => {
          release(bytes);
          settle(replica, outcome);
        });
      });
    }
  }

  #confirm({ epoch, partition, records }: ForgetRequest, then: (response: ForgetResponse) => void): void {
    const blocked = this.#isBlocked(epoch, partition);
    if (blocked !== '') return then({ type: 'forget', blocked, agreed: [] });
    const agreed: number[] = [];
    forEachBounded(
      [...records.entries()],
      FORGET_RECORDS_MAX,
      ([at, { keyspaceId, key, record }], done) =>
        this.#node.records.read(new RecordKey(keyspaceId, key), true, (outcome) => {
          if (outcome.ok && outcome.value !== undefined && compareBytes(outcome.value, record) === 0) agreed.push(at);
          done();
        }),
      () => {
        const answer = (): void => then({ type: 'forget', blocked: this.#isBlocked(epoch, partition), agreed });
        if (this.#node.planted('forget-unsealed')) return answer();
        // Only the last group of a log can be torn (P17): once this is flushed, that is not the group of any tombstone.
        this.#node.records.tryWriteSystem(SYSTEM_KEYSPACE, MARKER_KEY, Uint8Array.of(1), answer, () =>
          then({ type: 'forget', blocked: 'the device refuses writes', agreed: [] }),
        );
      },
    );
  }

  #isBlocked(epoch: number, partition: number): string {
    const { standings, hints, planted } = this.#node;
    const topology = this.#node.topology();
    if (epoch !== partitionEpoch(topology, partition)) return 'its table is of another epoch';
    if (moveOf(topology, partition) !== undefined) return 'the partition is moving';
    if (planted('forget-without-all')) return '';
    if (!standings.isMember(partition)) return `it is ${standings.of(partition)}`;
    if (standings.unreadable.inPartition(partition)) return 'it cannot read some of its records';
    return hints.hasFor(partition) ? 'it has hints to deliver' : '';
  }

  #drop(partition: number, records: readonly ScannedRecord[], then: (response: ForgetResponse) => void): void {
    const { fences, actors, planted } = this.#node;
    fences.bump(partition);
    const agreed: number[] = [];
    forEachBounded(
      [...records.entries()],
      FORGET_RECORDS_MAX,
      ([at, { keyspaceId, key, record }], done) => {
        const change = (stored: Versions): Versions => {
          if (compareBytes(encodeVersions(stored), record) !== 0) return stored;
          agreed.push(at);
          if (!planted('forget-reuses-dots'))
            actors.keepAbove(partition, (actor) => highestCounter(stored.context, actor));
          return NOTHING;
        };
        let settled = false;
        const settle = (): void => {
          if (!settled) done();
          settled = true;
        };
        this.#node.records.update(new RecordKey(keyspaceId, key), change, {
          accepted: settle,
          durable: () => {},
          refused: settle,
        });
      },
      () => {
        this.#forgotten += agreed.length;
        then({ type: 'forget', blocked: '', agreed });
      },
    );
  }
}
