import type { Effect } from '../core/effect.ts';
import type { ClientCommand, Event } from '../core/event.ts';
import type { Outcome, PeerRequest, PeerResponse } from '../core/message.ts';
import type { ReplicaCore } from '../core/replica-core.ts';
import { keyspaceById } from '../core/replicas.ts';
import type { TopologyDocument } from '../core/topology.ts';
import { dueSteps, type MoveStep, stepMoves } from '../core/topology-moves.ts';
import { Prng } from './prng.ts';
import type { ClientAnswer, SimNode, SimWorld } from './sim-node.ts';
import type { Appointment } from './timeline.ts';
import { effectLine, eventLine } from './trace-line.ts';

const PUBLISH_ATTEMPTS = 5;

/** One life of a node: the loop that the shell runs in production, with virtual time and the simulated ports. */
export class SimProcess {
  readonly core: ReplicaCore;
  readonly #node: SimNode;
  readonly #world: SimWorld;
  readonly #looks: Prng;
  readonly #timers = new Map<number, Appointment>();
  readonly #responders = new Map<number, (outcome: Outcome<PeerResponse>) => void>();
  readonly #clients = new Map<number, (answer: ClientAnswer) => void>();
  /** What happened during a pause. */
  #backlog: Event[] = [];
  /** What an event leads to at once: it comes before anything else, as it does in the shell. */
  readonly #queue: Event[] = [];
  #nextRequest = 1;
  #running = false;
  #greeted = false;
  #paused = false;
  #alive = true;
  /** So many effects are still carried out before the process dies in the middle of a step. */
  #effectsLeft = Number.POSITIVE_INFINITY;

  constructor(core: ReplicaCore, node: SimNode, world: SimWorld) {
    this.core = core;
    this.#node = node;
    this.#world = world;
    this.#looks = new Prng(world.seed, `looks of ${node.id}`);
  }

  /** An event and its effects in order, then the next. */
  raise(event: Event): void {
    if (!this.#alive) return;
    if (this.#running) this.#queue.push(event);
    else if (this.#paused) this.#backlog.push(event);
    else this.#handle(event);
  }

  request(request: PeerRequest, respond: (outcome: Outcome<PeerResponse>) => void): void {
    const id = this.#nextRequest++;
    this.#responders.set(id, respond);
    this.raise({ type: 'request', id, request });
  }

  client(op: number, command: ClientCommand, reply: (answer: ClientAnswer) => void): void {
    this.#clients.set(op, reply);
    // As the shell does: the keyspace as this node knows it.
    const keyspace = keyspaceById(this.core.topology(), command.keyspace.id) ?? command.keyspace;
    this.raise({ type: 'client', op, command: { ...command, keyspace } });
  }

  /** A peer may have heard which boot this is. */
  get greeted(): boolean {
    return this.#greeted;
  }

  get unanswered(): number {
    return this.#responders.size + this.#clients.size;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const event of backlog) this.raise(event);
  }

  /** The process dies after so many more effects. */
  dieAfter(effects: number): void {
    this.#effectsLeft = effects;
  }

  /** Looks for a newer topology, now and then. */
  #follow(): void {
    if (!this.#world.moving || !this.#alive) return;
    this.look();
    this.#world.timeline.after(this.#world.lookMs * this.#looks.between(0.1, 1.9), () => this.#follow());
  }

  look(): void {
    this.#world.store.read((document) => this.#learn(document));
  }

  /** What the node hears of it has stored (P15). */
  #learn(document: TopologyDocument): void {
    if (!this.#alive) return;
    this.#node.remember(document);
    this.raise({ type: 'topology', document });
  }

  #stepMoves(steps: readonly MoveStep[], attempt = 1): void {
    const { store } = this.#world;
    store.read((document) => {
      if (!this.#alive) return;
      const due = dueSteps(document, steps);
      if (due.length === 0) return this.#learn(document);
      const stepped = stepMoves(document, due);
      store.publish(stepped, (done) => {
        if (done) this.#learn(stepped);
        else if (attempt < PUBLISH_ATTEMPTS) this.#stepMoves(steps, attempt + 1);
      });
    });
  }

  kill(): void {
    this.#alive = false;
    for (const timer of this.#timers.values()) timer.run = undefined;
  }

  #handle(first: Event): void {
    this.#running = true;
    const queue = this.#queue;
    try {
      this.#step(first);
      for (let at = 0; at < queue.length && this.#alive; at++) this.#step(queue[at]!);
    } catch (error) {
      this.#world.violated('core-threw', `${this.#node.id}: ${error instanceof Error ? error.stack : String(error)}`);
      this.#node.crash();
    } finally {
      queue.length = 0;
      this.#running = false;
    }
  }

  #step(event: Event): void {
    const { trace, timeline } = this.#world;
    trace.number(timeline.now);
    trace.number(this.#node.index);
    trace.number(event.type.length + ('ticket' in event ? event.ticket * 32 : 0));
    trace.record?.(`${this.#node.id}  ${eventLine(event)}`);
    for (const effect of this.core.step(event, this.#node.clock.wallMs())) {
      if (!this.#alive) return;
      trace.record?.(`${this.#node.id}    ${effectLine(effect)}`);
      this.#run(effect);
      if (--this.#effectsLeft === 0) this.#node.crash();
    }
  }

  #run(effect: Effect): void {
    const { timeline, network, store, trace } = this.#world;
    const { disk, id, clock } = this.#node;
    switch (effect.type) {
      case 'append': {
        const { ticket, keyspaceId, key, value } = effect;
        trace.bytes(value);
        const refused = disk.append(keyspaceId, key, value, (failed) =>
          this.raise({ type: 'durable', ticket, failed }),
        );
        return this.raise({ type: 'accepted', ticket, refused });
      }
      case 'remove': {
        const { ticket, keyspaceId, key } = effect;
        trace.bytes(key);
        const refused = disk.append(keyspaceId, key, undefined, (failed) =>
          this.raise({ type: 'durable', ticket, failed }),
        );
        return this.raise({ type: 'accepted', ticket, refused });
      }
      case 'dropPartition': {
        const { ticket, keyspaceId, partition } = effect;
        const refused = disk.dropPartition(keyspaceId, partition, (failed) =>
          this.raise({ type: 'durable', ticket, failed }),
        );
        return this.raise({ type: 'accepted', ticket, refused });
      }
      case 'read': {
        const { ticket, keyspaceId, key } = effect;
        return disk.read(keyspaceId, key, (outcome) => this.raise({ type: 'read', ticket, outcome }));
      }
      case 'page':
        return disk.page(effect, (outcome) => this.raise({ type: 'page', ticket: effect.ticket, outcome }));
      case 'send': {
        const { ticket, to, request, timeoutMs } = effect;
        trace.text(request.type);
        if (request.type === 'hello' && request.boot > 0 && to !== id) this.#greeted = true;
        const sentAtMs = timeline.now;
        return network.call(id, to, request, timeoutMs, (outcome) =>
          this.raise({ type: 'peer', ticket, outcome, tookMs: timeline.now - sentAtMs }),
        );
      }
      case 'timer': {
        const { ticket, afterMs } = effect;
        const fire = (): void => {
          this.#timers.delete(ticket);
          this.raise({ type: 'timer', ticket });
        };
        return void this.#timers.set(ticket, timeline.after(clock.duration(afterMs), fire));
      }
      case 'cancel': {
        const timer = this.#timers.get(effect.ticket);
        if (timer !== undefined) timer.run = undefined;
        return void this.#timers.delete(effect.ticket);
      }
      case 'register': {
        const { ticket, boot, incarnation } = effect;
        return store.register(id, boot, incarnation, (outcome) => this.raise({ type: 'registered', ticket, outcome }));
      }
      case 'respond':
        this.#responders.get(effect.id)?.(effect.outcome);
        return void this.#responders.delete(effect.id);
      case 'reply': {
        const { op, outcome } = effect;
        const reply = this.#clients.get(op);
        if (reply === undefined) return this.#world.violated('answered-twice', `${id} answers request ${op} again`);
        this.#clients.delete(op);
        return reply(outcome);
      }
      case 'stopped':
        return this.#node.ended('stopped');
      case 'failStop':
        return this.#node.ended(effect.error);
      case 'started':
        return this.#follow();
      case 'fetchTopology':
        if (this.#world.moving) this.look();
        return;
      case 'stepMoves':
        return this.#stepMoves(effect.steps);
      default:
        // Nothing to do for `note` and `doubt`.
        return;
    }
  }
}
