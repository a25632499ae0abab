import { StoreError } from '@ferrite/errors';
import type { Forgetting } from './forgetting.ts';
import { floorOf } from './get-coordinator.ts';
import type { Identity } from './identity.ts';
import type { Outcome, PeerRequest, PeerResponse } from './message.ts';
import type { Moves } from './moves.ts';
import { decodeVersions, mergeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import { RepairService } from './repair-service.ts';
import type { ReplicaContext } from './replica-context.ts';
import type { ReplicaPages } from './replica-pages.ts';
import { epochAsked } from './replicas.ts';
import { staleEpoch } from './route.ts';

type Respond = (outcome: Outcome<PeerResponse>) => void;
type Request<T extends PeerRequest['type']> = Extract<PeerRequest, { readonly type: T }>;

/** Answers what other nodes ask of this replica; `coordinate` is the business of the core. */
export class PeerService {
  readonly #node: ReplicaContext;
  readonly #pages: ReplicaPages;
  readonly #identity: Identity;
  readonly #repair: RepairService;
  readonly #moves: Moves;

  constructor(node: ReplicaContext, pages: ReplicaPages, identity: Identity, forgetting: Forgetting, moves: Moves) {
    this.#node = node;
    this.#pages = pages;
    this.#identity = identity;
    this.#moves = moves;
    this.#repair = new RepairService(node, forgetting);
  }

  answer(request: Exclude<PeerRequest, { type: 'coordinate' }>, respond: Respond): void {
    if (request.type === 'hello') return this.#identity.hello(request, respond);
    if (request.type === 'confirm') return this.#moves.confirm(request, respond);
    const epoch = epochAsked(this.#node.topology(), request);
    if (this.#isOld(request, epoch)) return respond({ ok: false, error: staleEpoch(request.epoch, epoch) });
    if (request.epoch > epoch) this.#node.desk.emit({ type: 'fetchTopology' });
    if (request.type === 'write') return this.#write(request, respond);
    if (request.type === 'read') return this.#read(request, respond);
    if (request.type !== 'scan') return this.#repair.answer(request, respond);
    // What is stale here all others may have forgotten: nobody may merge it (INV-REPL-17).
    if (this.#node.standings.isStale(request.partition))
      return respond({ ok: false, error: new StoreError('RECOVERING') });
    this.#pages.read(request, (outcome) =>
      respond(outcome.ok ? { ok: true, value: { type: 'scan', ...outcome.value } } : outcome),
    );
  }

  #isOld({ epoch }: { readonly epoch: number }, asked: number): boolean {
    return epoch < asked && !this.#node.planted('accept-old-epochs');
  }

  /**
   * Merges (P1) and confirms: at once when accepted for `memory`, else when flushed; never before the boot is registered
   * (INV-REPL-14). Whatever its standing, a replica accepts writes.
   */
  #write(request: Request<'write'>, respond: Respond): void {
    let incoming: Versions;
    try {
      incoming = decodeVersions(request.record);
    } catch (error) {
      return respond({ ok: false, error: StoreError.from(error, { effect: 'none' }) });
    }
    const { planted } = this.#node;
    const { fences, standings, records } = this.#node;
    const at = new RecordKey(request.keyspaceId, request.key);
    const partition = at.partition(this.#node.topology().partitionBits);
    let fenced = false;
    let drops = 0;
    let answered = false;
    const confirm = (durable: boolean): void => {
      if (answered) return;
      answered = true;
      const respondNow = (): void => {
        // What is dropped does not count, even if it was on the medium.
        const gone = standings.isStale(partition) || drops !== records.drops;
        if (gone) respond({ ok: false, error: new StoreError('RECOVERING', { effect: 'unknown' }) });
        else respond({ ok: true, value: { type: 'write', durable } });
      };
      if (planted('unverified-confirms')) return respondNow();
      // Were this disk rolled back before its boot is registered, nobody could tell (P9): until then nothing on it counts.
      if (!standings.whenVerified(respondNow))
        respond({ ok: false, error: new StoreError('RECOVERING', { effect: 'unknown' }) });
    };
    const change = (stored: Versions): Versions => {
      // The partition may have moved on while this waited.
      const epoch = epochAsked(this.#node.topology(), request);
      if (this.#isOld(request, epoch)) throw staleEpoch(request.epoch, epoch);
      // Under the key's lock: between the arrival and this something may have been forgotten (INV-REPL-16).
      fenced = request.fence !== fences.own(partition) && !planted('forget-unfenced');
      if (fenced) return stored;
      if (standings.isStale(partition)) throw new StoreError('RECOVERING');
      drops = records.drops;
      if (planted('overwrite-instead-of-merge')) return incoming;
      if (planted('tombstones-ignored') && incoming.siblings.length === 0) return stored;
      const merged = mergeVersions(stored, incoming);
      if (!planted('merge-drops-one-sided-sibling')) return merged;
      return {
        ...merged,
        siblings: merged.siblings.filter((sibling) =>
          incoming.siblings.some((each) => each.dot.counter === sibling.dot.counter),
        ),
      };
    };
    this.#node.records.update(at, change, {
      accepted: () => {
        if (fenced) {
          answered = true;
          return respond({ ok: true, value: { type: 'fenced', fence: fences.own(partition) } });
        }
        if (request.memory || planted('ack-before-flush')) confirm(planted('ack-before-flush'));
      },
      durable: () => confirm(true),
      refused: (error) => {
        if (!answered) respond({ ok: false, error });
        answered = true;
      },
    });
  }

  #read(request: Request<'read'>, respond: Respond): void {
    const { planted } = this.#node;
    // As of before the read: what was read while the partition recovered does not count because it recovered since.
    const { standings, records } = this.#node;
    const { keyspaceId, key } = request;
    const at = new RecordKey(keyspaceId, key);
    const partition = at.partition(this.#node.topology().partitionBits);
    if (standings.isStale(partition)) return respond({ ok: false, error: new StoreError('RECOVERING') });
    const before = standings.ofRecord(partition, keyspaceId, key);
    records.read(at, !planted('read-unflushed'), (outcome) => {
      // As of after it as well: while it was read, something may have been written over what was lost.
      const after = standings.ofRecord(partition, keyspaceId, key);
      const standing = before === 'member' || planted('standing-after-read') ? after : before;
      const floor = request.withFloor ? floorOf(this.#node, partition) : undefined;
      if (outcome.ok)
        return respond({ ok: true, value: { type: 'read', record: outcome.value ?? EMPTY, standing, floor } });
      if (standing !== 'unreadable') return respond(outcome);
      respond({ ok: true, value: { type: 'read', record: EMPTY, standing } });
    });
  }
}

const EMPTY = new Uint8Array();
