import type { Reason } from '@ferrite/errors';
import {
  type CausalContext,
  emptyContext,
  HYBRID_TICKS_PER_MS,
  join,
  timeOf,
  withoutTime,
} from '@ferrite/vector-clock';
import { fromLatin1, latin1 } from '../core/bytes.ts';
import type { ClientCommand } from '../core/event.ts';
import type { Versions } from '../core/record.ts';
import { partitionOfKey } from '../core/replicas.ts';
import type { ConflictPolicy, Durability, Keyspace, TopologyDocument } from '../core/topology.ts';
import type { FinalState, Kept, ReadRecord, Rule, ScanRecord, SeenValue, WriteRecord } from './history.ts';
import { Prng } from './prng.ts';
import { NEVER_MS, type Scenario, type ScriptedRequest } from './scenario.ts';
import type { ClientAnswer, SimNode } from './sim-node.ts';
import { valueName, valueOf } from './sim-value.ts';
import type { Timeline } from './timeline.ts';
import type { TraceHash } from './trace-hash.ts';

/** What the clients talk to. */
export interface ClientTargets {
  readonly nodes: readonly SimNode[];
  readonly copies: Pick<WriteRecord, 'replicas' | 'moved'>;
  readonly topology: TopologyDocument;
  readonly timeline: Timeline;
  readonly trace: TraceHash;
  violated(rule: Rule, what: string): void;
}

/** What a cluster under faults may answer to requests that are in order. */
const EXPECTED = new Set<Reason>([
  'DEADLINE_EXCEEDED',
  'DEVICE_FULL',
  'FABRIC_UNAVAILABLE',
  'OVERLOADED',
  'QUORUM_UNAVAILABLE',
  'RECOVERING',
  'SHUTTING_DOWN',
  'SIBLINGS_EXCEEDED',
  'STALE_READ',
]);

type WriteCommand = Extract<ClientCommand, { type: 'put' | 'delete' }>;

interface Client {
  readonly name: string;
  readonly prng: Prng;
  asked: number;
  readonly memories: Map<Uint8Array, readonly CausalContext[]>;
  /** All that it has seen of each key. */
  readonly seen: Map<Uint8Array, CausalContext>;
}

const NOTHING = new Uint8Array();

/** How often a write with a token is sent. */
const SENDS_MAX = 4;

/** How many contexts of a key a client remembers, to come back with an old one. */
const MEMORIES_MAX = 8;

/** The clients of a run and the history of what they asked and were told. */
export class SimClients {
  readonly history: {
    writes: WriteRecord[];
    reads: ReadRecord[];
    scans: ScanRecord[];
    finals: FinalState[];
    kept: Kept;
    readonly forgets: boolean;
    readonly policy: ConflictPolicy;
  };
  readonly keys: readonly Uint8Array[];
  readonly #targets: ClientTargets;
  readonly #scenario: Scenario;
  readonly #keyspace: Keyspace;
  readonly #seed: number;
  /** The requests that were issued, and when. */
  readonly issued: ScriptedRequest[] = [];
  #ops = 0;
  /** The latest time that most clocks have shown when somebody looked. */
  #mostWallMs = 0;
  #open = true;

  constructor(targets: ClientTargets, seed: number, scenario: Scenario) {
    this.#targets = targets;
    this.#scenario = scenario;
    const forgets = scenario.forgetMs < NEVER_MS;
    this.#keyspace = targets.topology.keyspaces[0]!;
    const policy = this.#keyspace.conflictPolicy;
    this.history = { writes: [], reads: [], scans: [], finals: [], kept: 'quorum', forgets, policy };
    this.keys = Array.from({ length: scenario.keys }, (_, at) => fromLatin1(`key-${at}`));
    this.#seed = seed;
    const clients = Array.from({ length: scenario.clients }, (_, at): Client => {
      const name = `c${at + 1}`;
      return { name, prng: new Prng(seed, name), asked: 0, memories: new Map(), seen: new Map() };
    });
    if (scenario.script === undefined) for (const client of clients) this.#think(client);
    for (const { name, at } of scenario.script ?? []) {
      const client = clients.find((each) => name.startsWith(`${each.name}.`));
      if (client !== undefined) targets.timeline.after(at, () => this.#issue(client, name, () => {}));
    }
  }

  get ops(): number {
    return this.#ops;
  }

  /** No request is begun from now on, except by {@link readAtAll}. */
  close(): void {
    this.#open = false;
  }

  partitionOf(key: Uint8Array): number {
    return partitionOfKey(this.#targets.topology, key);
  }

  /** Reads a key at ALL; `then` hears whether it succeeded, if it hears anything. */
  readAtAll(node: SimNode, key: Uint8Array, timeoutMs: number, then: (ok: boolean) => void): void {
    const command = { type: 'get', keyspace: this.#keyspace, key, consistency: 'ALL', timeoutMs } as const;
    this.#get(node, command, (versions) => then(versions !== undefined));
  }

  /** Reads a key at ONE and demands the last write of it that was promised; `then` hears whether it succeeded. */
  readInSession(node: SimNode, key: Uint8Array, timeoutMs: number, then: (ok: boolean) => void): void {
    const name = latin1(key);
    const promised = this.history.writes.findLast(
      (write) =>
        write.key === name &&
        write.outcome === 'done' &&
        (write.hinted ?? 0) === 0 &&
        write.consistency !== 'ONE' &&
        write.durability === 'DEVICE',
    );
    const atLeast = promised?.response;
    const command = { type: 'get', keyspace: this.#keyspace, key, consistency: 'ONE', atLeast, timeoutMs } as const;
    this.#get(node, command, (versions) => then(versions !== undefined));
  }

  /** Reads a key and replaces what there is, both at QUORUM. */
  readAndWrite(node: SimNode, key: Uint8Array, timeoutMs: number, then: (ok: boolean) => void): void {
    const request = { keyspace: this.#keyspace, key, consistency: 'QUORUM', timeoutMs } as const;
    this.#get(node, { type: 'get', ...request }, (versions) => {
      if (versions === undefined) return then(false);
      const { context } = versions;
      const value = valueOf(`v${this.#ops}`, 0);
      this.#write(node, { type: 'put', ...request, value, context, durability: 'DEVICE' }, (response) =>
        then(response !== undefined),
      );
    });
  }

  scanAtQuorum(node: SimNode, partition: number, timeoutMs: number, then: (ok: boolean) => void): void {
    const request = { type: 'scan', keyspace: this.#keyspace, partition, consistency: 'QUORUM', timeoutMs } as const;
    this.#scan(node, { ...request, ...PAGE }, then);
  }

  #think(client: Client): void {
    const { timeline } = this.#targets;
    const { thinkMs, timeoutMs } = this.#scenario;
    timeline.after(thinkMs * client.prng.between(0.1, 1.9), () => {
      if (!this.#open) return;
      let waiting = true;
      const next = (): void => {
        if (!waiting) return;
        waiting = false;
        giveUp.run = undefined;
        this.#think(client);
      };
      // The node may be gone: a client waits a little longer than its deadline and goes on.
      const giveUp = timeline.after(timeoutMs + 50, next);
      this.#issue(client, `${client.name}.${++client.asked}`, next);
    });
  }

  /** Draws a request from a generator of its own, so that it is the same whatever comes before it, and issues it. */
  #issue({ memories, seen }: Client, name: string, next: () => void): void {
    const { nodes, topology, trace, timeline } = this.#targets;
    const { hotShare, valueBytes, memory, timeoutMs, ops } = this.#scenario;
    const prng = new Prng(this.#seed, name);
    const kind = prng.weighted(ops);
    const node = prng.pick(nodes);
    const hot = prng.chance(hotShare);
    const drawn = prng.pick(this.keys);
    const key = hot ? this.keys[0]! : drawn;
    const consistency = prng.weighted(this.#scenario.consistency);
    const durability: Durability = prng.chance(memory) ? 'MEMORY' : 'DEVICE';
    const bytes = prng.int(valueBytes);
    const inSession = prng.chance(this.#scenario.sessions);
    const ttlMs = prng.chance(this.#scenario.expiring) ? 1 + prng.int(this.#scenario.ttlMs) : undefined;
    this.issued.push({ name, at: timeline.now });
    trace.record?.(
      `${name} is request ${this.#ops}: ${kind} ${latin1(key)} at ${node.id}, ${consistency} ${durability}`,
    );

    const remembered = memories.get(key) ?? [];
    const remember = (context: CausalContext | undefined): void => {
      if (context !== undefined) {
        memories.set(key, [...remembered, context].slice(-MEMORIES_MAX));
        seen.set(key, join(seen.get(key) ?? emptyContext, context));
      }
      next();
    };
    const keyspace = this.#keyspace;
    if (kind === 'scan') {
      const partition = partitionOfKey(topology, key);
      return this.#scan(node, { type: 'scan', keyspace, partition, consistency, timeoutMs, ...PAGE }, next);
    }
    if (kind === 'get') {
      const atLeast = inSession ? seen.get(key) : undefined;
      const command = { type: 'get', keyspace, key, consistency, atLeast, timeoutMs } as const;
      return this.#get(node, command, (versions) => remember(versions?.context));
    }
    const deletes = kind === 'delete' || kind === 'deleteBlind';
    const blind = kind === 'putBlind' || kind === 'deleteBlind';
    const latest = remembered.at(-1) ?? emptyContext;
    const context = blind ? undefined : kind === 'putStale' ? (remembered[0] ?? emptyContext) : latest;
    const type = deletes ? 'delete' : 'put';
    const value = deletes ? NOTHING : valueOf(`v${this.#ops}`, bytes);
    const tokened = kind !== 'deleteBlind' && prng.chance(this.#scenario.tokened);
    const idempotencyToken = tokened ? fromLatin1(name) : undefined;
    const how = { consistency, durability, ttlMs, idempotencyToken, timeoutMs };
    const write = { type, keyspace, key, value, context, ...how } as const;
    this.#write(node, write, remember);
  }

  #get(
    node: SimNode,
    command: Extract<ClientCommand, { type: 'get' }>,
    then: (versions: Versions | undefined) => void,
  ): void {
    const id = this.#ops++;
    const startedAt = this.#targets.timeline.now;
    const up = node.client(id, command, (answer) => {
      this.#trace(id, answer);
      if (!answer.ok || !('versions' in answer.value)) return then(undefined);
      const { versions } = answer.value;
      const { consistency } = command;
      const atLeast = command.atLeast && withoutTime(command.atLeast);
      this.#saw(node, { id, key: latin1(command.key), consistency, atLeast, source: 'get', startedAt }, versions);
      then(versions);
    });
    if (!up) then(undefined);
  }

  #write(node: SimNode, command: WriteCommand, then: (response: CausalContext | undefined) => void): void {
    const id = this.#ops++;
    const record: WriteRecord = {
      id,
      key: latin1(command.key),
      kind: command.type,
      value: valueName(command.value),
      context: command.context && withoutTime(command.context),
      consistency: command.consistency,
      durability: command.durability,
      ttlMs: command.ttlMs ?? 0,
      tokened: command.idempotencyToken !== undefined,
      startedAt: this.#targets.timeline.now,
      endedAt: Number.POSITIVE_INFINITY,
      outcome: 'unknown',
      response: undefined,
      acked: 0,
      durable: 0,
      ...this.#targets.copies,
    };
    this.history.writes.push(record);
    this.#send(node, id, command, record, then);
  }

  /** Sends a write; one with a token again, to another node, while nobody has answered that it is done. */
  #send(
    node: SimNode,
    id: number,
    command: WriteCommand,
    record: WriteRecord,
    then: (response: CausalContext | undefined) => void,
    sends = 1,
    doubts = { open: 0, some: false },
  ): void {
    const { nodes, timeline } = this.#targets;
    const repeats = command.idempotencyToken !== undefined && sends < SENDS_MAX;
    let waiting = true;
    doubts.open++;
    record.outcome = 'unknown';
    const again = (): void => {
      if (!waiting || record.outcome === 'done') return;
      waiting = false;
      giveUp.run = undefined;
      if (!repeats) return then(undefined);
      const next = nodes[(nodes.indexOf(node) + 1) % nodes.length]!;
      this.#send(next, this.#ops++, command, record, then, sends + 1, doubts);
    };
    // In doubt until every time it was sent it was refused.
    const refused = (): void => {
      doubts.open--;
      record.outcome = doubts.open === 0 && !doubts.some ? 'none' : 'unknown';
    };
    const giveUp = timeline.after(repeats ? command.timeoutMs + 50 : Number.MAX_SAFE_INTEGER, again);
    const up = node.client(id, command, (answer) => {
      this.#trace(id, answer);
      if (record.outcome === 'done') return;
      if (!answer.ok) {
        if (answer.error.effect !== 'none') doubts.some = true;
        refused();
        return again();
      }
      if (!('acked' in answer.value)) return then(undefined);
      record.outcome = 'done';
      record.endedAt = timeline.now;
      record.response = withoutTime(answer.value.context);
      record.time = timeOf(answer.value.context);
      record.acked = answer.value.acked;
      record.durable = answer.value.durable;
      record.hinted = answer.value.hinted;
      giveUp.run = undefined;
      then(answer.value.context);
    });
    if (up) return;
    refused();
    again();
  }

  /** Pages through a partition; the history gets what each page showed, and at the end what no page showed. */
  #scan(node: SimNode, command: Extract<ClientCommand, { type: 'scan' }>, done: (whole: boolean) => void): void {
    const { timeline, topology } = this.#targets;
    const { keyspace, partition, consistency } = command;
    const began = timeline.now;
    const missing = new Set(this.keys.filter((key) => partitionOfKey(topology, key) === partition).map(latin1));
    const pages: ScanRecord['pages'][number][] = [];
    this.history.scans.push({ id: this.#ops, partition, pages });
    // Clocks jump between two pages: what had expired on any of them was not shown.
    let latestMs = 0;
    const page = (after: typeof command.after): void => {
      const id = this.#ops++;
      const startedAt = timeline.now;
      const up = node.client(id, { ...command, after }, (answer) => {
        this.#trace(id, answer);
        if (!answer.ok || !('records' in answer.value)) return done(false);
        const { records, next } = answer.value;
        const keys = records.map(({ key, hash }) => ({
          key: latin1(key),
          hash,
          partition: partitionOfKey(topology, key),
        }));
        pages.push({ keys, next });
        latestMs = Math.max(latestMs, node.clock.wallMs());
        for (const { key, result } of records) {
          const name = latin1(key);
          missing.delete(name);
          this.#saw(node, { id, key: name, consistency, source: 'scan', startedAt }, result.versions);
        }
        if (next !== undefined && pages.length < PAGES_MAX) return page({ keyspaceId: keyspace.id, ...next });
        const nothing = { context: emptyContext, siblings: [] };
        for (const key of missing)
          this.#saw(node, { id, key, consistency, source: 'scan-absent', startedAt: began, wallMs: latestMs }, nothing);
        done(true);
      });
      if (!up) done(false);
    };
    page(undefined);
  }

  #saw(node: SimNode, read: Omit<ReadRecord, 'endedAt' | 'context' | 'values'>, versions: Versions): void {
    const endedAt = this.#targets.timeline.now;
    const context = withoutTime(versions.context);
    const { nodes } = this.#targets;
    const clocks = nodes.map(({ clock }) => clock.wallMs()).sort((a, b) => a - b);
    this.#mostWallMs = Math.max(this.#mostWallMs, clocks[Math.floor(clocks.length / 2)]!);
    const times = { endedAt, wallMs: read.wallMs ?? node.clock.wallMs(), mostWallMs: this.#mostWallMs };
    this.history.reads.push({ ...read, ...times, context, values: seenValues(versions) });
  }

  #trace(op: number, answer: ClientAnswer): void {
    const expected = answer.ok || EXPECTED.has(answer.error.reason);
    // Where the last write wins each write replaces what its coordinator holds.
    const piled = !answer.ok && answer.error.reason === 'SIBLINGS_EXCEEDED' && this.history.policy === 'lww';
    if (!answer.ok && (!expected || piled))
      this.#targets.violated('unexpected-error', `request ${op} was answered with ${answer.error.reason}`);
    const { trace } = this.#targets;
    trace.number(op);
    trace.text(answer.ok ? 'ok' : answer.error.reason);
  }
}

export function seenValues(versions: Versions): readonly SeenValue[] {
  return versions.siblings.map(({ dot, value }) => ({
    dot,
    value: valueName(value.bytes),
    time: value.writtenAtMs * HYBRID_TICKS_PER_MS,
    expiresAtMs: value.expiresAtMs,
  }));
}

/** No honest scan of a few keys has so many pages. */
const PAGES_MAX = 1_000;

const PAGE = { after: undefined, maxRecords: 3, maxBytes: 1_000_000 } as const;
