import { invariant, StoreError } from '@ferrite/errors';
import { keyHash } from '@ferrite/hashing';
import { emptyContext } from '@ferrite/vector-clock';
import type { ScanResult } from './effect.ts';
import type { ClientCommand } from './event.ts';
import { type CoordinatedRead, coordinateRead } from './get-coordinator.ts';
import type { CoordinatedOp, GetResult, Outcome, PeerRequest, PeerResponse, WriteResult } from './message.ts';
import { presentPage, presentRecord } from './presented.ts';
import { coordinateWrite } from './put-coordinator.ts';
import { encodeVersions } from './record.ts';
import { RecordKey } from './record-key.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import type { ReplicaPages } from './replica-pages.ts';
import { epochOfKey, keyspaceById, replicasOf } from './replicas.ts';
import { coordinateScan } from './scan-coordinator.ts';
import { coordinateTokened } from './tokened-put.ts';
import type { Keyspace } from './topology.ts';

/** How often a write that has not begun yet is begun anew by a new table. */
const ATTEMPTS_MAX = 3;

type Write = Extract<CoordinatedOp, { readonly op: 'put' | 'delete' }>;

/** Finds who coordinates an operation: this node for clients and peers where it may, else a member replica. */
export class Operations {
  readonly #node: ReplicaContext;
  readonly #pages: ReplicaPages;

  constructor(node: ReplicaContext, pages: ReplicaPages) {
    this.#node = node;
    this.#pages = pages;
  }

  /** Carries out what a client asked of this node; `answer` is called exactly once. */
  run(command: ClientCommand, answer: (outcome: Outcome<GetResult | WriteResult | ScanResult>) => void): void {
    const reply = this.#counted(answer);
    const { keyspace } = command;
    if (command.type === 'scan') {
      const replicas = replicasOf(this.#node.topology(), keyspace, command.partition);
      return coordinateScan(this.#node, this.#pages, { ...command, keyspaceId: keyspace.id, replicas }, (outcome) =>
        reply(presentPage(this.#node, keyspace, outcome)),
      );
    }
    const { consistency, timeoutMs } = command;
    const at = new RecordKey(keyspace.id, command.key);
    if (command.type === 'get') {
      return this.#get(at, { consistency, timeoutMs, atLeast: command.atLeast }, (outcome) =>
        reply(presentRecord(this.#node, keyspace, outcome)),
      );
    }
    const { type, value, context, idempotencyToken, ttlMs = keyspace.ttlMs } = command;
    const token = idempotencyToken && keyHash(idempotencyToken);
    const memory = command.durability === 'MEMORY';
    this.#write(keyspace, at, { op: type, value, context, consistency, memory, ttlMs, token }, timeoutMs, reply);
  }

  /** Carries out what another node passed on. It does it or says no: a request is passed on once, never in circles. */
  coordinate(
    request: Extract<PeerRequest, { readonly type: 'coordinate' }>,
    answer: (outcome: Outcome<PeerResponse>) => void,
  ): void {
    const respond = this.#counted(answer);
    const { op, timeoutMs } = request;
    const topology = this.#node.topology();
    const keyspace = keyspaceById(topology, request.keyspaceId);
    if (keyspace === undefined) return respond({ ok: false, error: new StoreError('KEYSPACE_NOT_FOUND') });
    const at = new RecordKey(keyspace.id, request.key);
    if (op.op === 'get') {
      return this.#get(at, { consistency: op.consistency, timeoutMs }, (outcome) =>
        respond(
          outcome.ok ? { ok: true, value: { type: 'got', record: encodeVersions(outcome.value.versions) } } : outcome,
        ),
      );
    }
    const partition = at.partition(topology.partitionBits);
    const holds = replicasOf(topology, keyspace, partition).includes(this.#node.self);
    if (!holds || !this.#mayCoordinate(partition)) return respond({ ok: false, error: new StoreError('RECOVERING') });
    this.#coordinate(keyspace, at, op, timeoutMs, (outcome) =>
      respond(outcome.ok ? { ok: true, value: { type: 'wrote', result: outcome.value } } : outcome),
    );
  }

  #counted<T>(answer: (outcome: Outcome<T>) => void): (outcome: Outcome<T>) => void {
    // Those passed on by other nodes are clients' operations, too.
    this.#node.load.began();
    return (outcome) => {
      this.#node.load.ended();
      answer(outcome);
    };
  }

  #get(
    at: RecordKey,
    how: Pick<CoordinatedRead, 'consistency' | 'timeoutMs' | 'atLeast'>,
    done: (outcome: Outcome<GetResult>) => void,
  ): void {
    coordinateRead(this.#node, { at, ...how }, done);
  }

  /** Coordinates here if this node is a member of the key's partition, else at one that is (P2). */
  #write(
    keyspace: Keyspace,
    at: RecordKey,
    op: Write,
    timeoutMs: number,
    done: (outcome: Outcome<WriteResult>) => void,
    attempt = 1,
  ): void {
    const topology = this.#node.topology();
    const partition = at.partition(topology.partitionBits);
    const replicas = replicasOf(topology, keyspace, partition);
    const { self } = this.#node;
    const elsewhere = (): readonly string[] => this.#node.peers.preferred(replicas.filter((id) => id !== self));
    const mine = replicas.includes(self) || this.#node.planted('stranger-coordinates');
    if (!mine || !this.#mayCoordinate(partition)) return this.#forward(at, op, timeoutMs, elsewhere(), done);
    this.#coordinate(keyspace, at, op, timeoutMs, (outcome) => {
      const refused = outcome.ok || outcome.error.effect !== 'none' ? undefined : outcome.error.reason;
      // The table changed while this waited for its turn.
      if (refused === 'TOPOLOGY_STALE' && attempt < ATTEMPTS_MAX)
        this.#write(keyspace, at, op, timeoutMs, done, attempt + 1);
      else if (refused === 'RECOVERING') this.#forward(at, op, timeoutMs, elsewhere(), done);
      else done(outcome);
    });
  }

  #mayCoordinate(partition: number): boolean {
    return this.#node.standings.isMember(partition) || this.#node.planted('unverified-coordinates');
  }

  #coordinate(
    keyspace: Keyspace,
    at: RecordKey,
    op: Write,
    timeoutMs: number,
    done: (outcome: Outcome<WriteResult>) => void,
  ): void {
    const { consistency, memory, ttlMs } = op;
    const writtenAtMs = this.#node.wallMs();
    const expiresAtMs = ttlMs === 0 ? 0 : writtenAtMs + ttlMs;
    const value = op.op === 'delete' ? undefined : { bytes: op.value, writtenAtMs, expiresAtMs };
    const { conflictPolicy: policy, sloppyWrites: sloppy } = keyspace;
    const { context } = op;
    const write = {
      at,
      value,
      context,
      policy,
      sloppy,
      consistency,
      memory,
      timeoutMs,
    };
    if (op.token !== undefined) {
      const deletesSeen = op.op === 'delete' && context === undefined;
      const tokened = { ...write, token: op.token };
      return coordinateTokened(this.#node, tokened, deletesSeen, done);
    }
    if (op.op === 'put' || context !== undefined) return coordinateWrite(this.#node, write, done);
    // A delete without a context deletes what a quorum sees, no more (P5).
    if (this.#node.planted('blind-delete-guesses'))
      return coordinateWrite(this.#node, { ...write, context: emptyContext }, done);
    // Each of the two steps gets half of the time.
    const level = this.#node.planted('blind-delete-reads-one') ? 'ONE' : 'QUORUM';
    this.#get(at, { consistency: level, timeoutMs: timeoutMs / 2 }, (read) => {
      if (!read.ok) return done(read);
      coordinateWrite(this.#node, { ...write, context: read.value.versions.context, timeoutMs: timeoutMs / 2 }, done);
    });
  }

  #forward(
    at: RecordKey,
    op: Write,
    timeoutMs: number,
    targets: readonly string[],
    done: (outcome: Outcome<WriteResult>) => void,
  ): void {
    const [to, ...rest] = targets;
    if (to === undefined) {
      return done({
        ok: false,
        error: new StoreError('QUORUM_UNAVAILABLE', { message: 'no member replica of the key could be reached' }),
      });
    }
    const epoch = epochOfKey(this.#node.topology(), at.key);
    const { keyspaceId, key } = at;
    // A silent target leaves the others their share of the time.
    const share = Math.max(1, timeoutMs / targets.length);
    const request: PeerRequest = { type: 'coordinate', epoch, keyspaceId, key, op, timeoutMs: share };
    sendTo(this.#node, to, request, share, (outcome) => {
      if (outcome.ok) {
        invariant(outcome.value.type === 'wrote', 'INV-REPL-0', 'a coordinated write is answered in kind');
        return done({ ok: true, value: outcome.value.result });
      }
      const { error } = outcome;
      const tryNext =
        (error.effect === 'none' || this.#node.planted('forward-in-doubt')) &&
        (error.retry === 'elsewhere' || error.reason === 'TOPOLOGY_STALE');
      if (tryNext) this.#forward(at, op, timeoutMs - share, rest, done);
      else done({ ok: false, error });
    });
  }
}
