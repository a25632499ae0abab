import { type CausalContext, emptyContext } from '@ferrite/vector-clock';
import { fromLatin1, latin1 } from '../core/bytes.ts';
import type { ClientCommand } from '../core/event.ts';
import type { Versions } from '../core/record.ts';
import { partitionOfKey } from '../core/replicas.ts';
import type { Keyspace, TopologyDocument } from '../core/topology.ts';
import type { FinalState, History, ReadRecord, SeenValue, WriteRecord } from './history.ts';
import type { Prng } from './prng.ts';
import type { OpKind, Scenario } from './scenario.ts';
import type { ClientAnswer, SimNode } from './sim-node.ts';
import type { Timeline } from './timeline.ts';
import type { TraceHash } from './trace-hash.ts';

/** What the clients talk to. */
export interface ClientTargets {
  readonly nodes: readonly SimNode[];
  readonly topology: TopologyDocument;
  readonly timeline: Timeline;
  readonly trace: TraceHash;
}

/** How many contexts of a key a client remembers, to come back with an old one. */
const MEMORIES_MAX = 8;

/** The clients of a run and the history of what they asked and were told. */
export class SimClients {
  readonly history: { writes: WriteRecord[]; reads: ReadRecord[]; finals: FinalState[] } & History;
  readonly keys: readonly Uint8Array[];
  readonly #targets: ClientTargets;
  readonly #prng: Prng;
  readonly #scenario: Scenario;
  readonly #keyspace: Keyspace;
  #ops = 0;
  #open = true;

  constructor(targets: ClientTargets, prng: Prng, scenario: Scenario) {
    this.#targets = targets;
    this.#prng = prng;
    this.#scenario = scenario;
    this.history = { forgets: Number.isFinite(scenario.forgetMs), writes: [], reads: [], finals: [] };
    this.#keyspace = targets.topology.keyspaces[0]!;
    this.keys = Array.from({ length: scenario.keys }, (_, at) => fromLatin1(`key-${at}`));
    for (let client = 0; client < scenario.clients; client++) this.#think(new Map());
  }

  get ops(): number {
    return this.#ops;
  }

  /** No request is begun from now on, except by {@link readAtAll}. */
  close(): void {
    this.#open = false;
  }

  /** Reads a key at ALL; `then` hears whether it succeeded. */
  readAtAll(node: SimNode, key: Uint8Array, timeoutMs: number, then: (ok: boolean) => void): void {
    const command = { type: 'get', keyspace: this.#keyspace, key, consistency: 'ALL', timeoutMs } as const;
    this.#get(node, command, (versions) => then(versions !== undefined));
  }

  #think(memories: Map<string, CausalContext[]>): void {
    const { timeline } = this.#targets;
    const { thinkMs, timeoutMs } = this.#scenario;
    timeline.after(thinkMs * this.#prng.between(0.1, 1.9), () => {
      if (!this.#open) return;
      let waiting = true;
      const next = (): void => {
        if (!waiting) return;
        waiting = false;
        giveUp.run = undefined;
        this.#think(memories);
      };
      // The node may be gone: a client waits a little longer than its deadline and goes on.
      const giveUp = timeline.after(timeoutMs + 50, next);
      this.#issue(this.#prng.weighted(this.#scenario.ops), memories, next);
    });
  }

  #issue(kind: OpKind, memories: Map<string, CausalContext[]>, next: () => void): void {
    const node = this.#prng.pick(this.#targets.nodes);
    const key = this.#prng.pick(this.keys);
    const name = latin1(key);
    const remembered = memories.get(name) ?? [];
    const remember = (context: CausalContext): void => {
      memories.set(name, [...remembered, context].slice(-MEMORIES_MAX));
    };
    const { timeoutMs } = this.#scenario;
    const keyspace = this.#keyspace;
    const consistency = this.#prng.weighted(this.#scenario.consistency);
    if (kind === 'scan') {
      const partition = partitionOfKey(this.#targets.topology, key);
      return this.#scan(node, { type: 'scan', keyspace, partition, consistency, timeoutMs, ...PAGE }, next);
    }
    if (kind === 'get') {
      return this.#get(node, { type: 'get', keyspace, key, consistency, timeoutMs }, (versions) => {
        if (versions !== undefined) remember(versions.context);
        next();
      });
    }
    const deletes = kind === 'delete' || kind === 'deleteBlind';
    const blind = kind === 'putBlind' || kind === 'deleteBlind';
    const latest = remembered.at(-1) ?? emptyContext;
    const context = blind ? undefined : kind === 'putStale' ? (remembered[0] ?? emptyContext) : latest;
    this.#write(
      node,
      {
        type: deletes ? 'delete' : 'put',
        keyspace,
        key,
        value: fromLatin1(deletes ? '' : `v${this.#ops}`),
        context,
        consistency,
        durability: this.#prng.chance(this.#scenario.memory) ? 'MEMORY' : 'DEVICE',
        timeoutMs,
      },
      (response) => {
        if (response !== undefined) remember(response);
        next();
      },
    );
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
      this.#saw({ id, key: latin1(command.key), consistency, source: 'get', startedAt }, versions);
      then(versions);
    });
    if (!up) then(undefined);
  }

  #write(
    node: SimNode,
    command: Extract<ClientCommand, { type: 'put' | 'delete' }>,
    then: (response: CausalContext | undefined) => void,
  ): void {
    const id = this.#ops++;
    const record: WriteRecord = {
      id,
      key: latin1(command.key),
      kind: command.type,
      value: latin1(command.value),
      context: command.context,
      consistency: command.consistency,
      durability: command.durability,
      startedAt: this.#targets.timeline.now,
      endedAt: Number.POSITIVE_INFINITY,
      outcome: 'unknown',
      response: undefined,
    };
    this.history.writes.push(record);
    const up = node.client(id, command, (answer) => {
      this.#trace(id, answer);
      if (!answer.ok) {
        if (answer.error.effect === 'none') record.outcome = 'none';
        return then(undefined);
      }
      if (!('acked' in answer.value)) return then(undefined);
      record.outcome = 'done';
      record.endedAt = this.#targets.timeline.now;
      record.response = answer.value.context;
      then(record.response);
    });
    if (up) return;
    record.outcome = 'none';
    then(undefined);
  }

  /** Pages through a partition; the history gets what each page showed, and at the end what no page showed. */
  #scan(node: SimNode, command: Extract<ClientCommand, { type: 'scan' }>, done: () => void): void {
    const { timeline, topology } = this.#targets;
    const { keyspace, partition, consistency } = command;
    const began = timeline.now;
    const missing = new Set(this.keys.filter((key) => partitionOfKey(topology, key) === partition).map(latin1));
    const page = (after: typeof command.after): void => {
      const id = this.#ops++;
      const startedAt = timeline.now;
      const up = node.client(id, { ...command, after }, (answer) => {
        this.#trace(id, answer);
        if (!answer.ok || !('records' in answer.value)) return done();
        const { records, next } = answer.value;
        for (const { key, result } of records) {
          const name = latin1(key);
          missing.delete(name);
          this.#saw({ id, key: name, consistency, source: 'scan', startedAt }, result.versions);
        }
        if (next !== undefined) return page({ keyspaceId: keyspace.id, ...next });
        const nothing = { context: emptyContext, siblings: [] };
        for (const key of missing)
          this.#saw({ id, key, consistency, source: 'scan-absent', startedAt: began }, nothing);
        done();
      });
      if (!up) done();
    };
    page(undefined);
  }

  #saw(read: Omit<ReadRecord, 'endedAt' | 'context' | 'values'>, versions: Versions): void {
    const endedAt = this.#targets.timeline.now;
    this.history.reads.push({ ...read, endedAt, context: versions.context, values: seenValues(versions) });
  }

  #trace(op: number, answer: ClientAnswer): void {
    this.#targets.trace.add(`answer ${op} ${answer.ok ? 'ok' : `${answer.error.reason} ${answer.error.effect}`}`);
  }
}

export function seenValues(versions: Versions): readonly SeenValue[] {
  return versions.siblings.map(({ dot, value }) => ({ dot, value: latin1(value.bytes) }));
}

const PAGE = { after: undefined, maxRecords: 3, maxBytes: 1_000_000 } as const;
