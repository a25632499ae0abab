import { StoreError, unreachable } from '@ferrite/errors';
import type { Effect, ScanResult } from '../core/effect.ts';
import type { Event } from '../core/event.ts';
import type { GetResult, Outcome, PeerResponse, WriteResult } from '../core/message.ts';
import type { MoveStep } from '../core/topology-moves.ts';
import type { OnDurable } from '../ports/local-store.ts';
import type { ReplicaPorts } from './replica-node-api.ts';

/** What the runner hands back to the node. */
export interface RunnerHost {
  reply(op: number, outcome: Outcome<GetResult | WriteResult | ScanResult>): void;
  respond(id: number, outcome: Outcome<PeerResponse>): void;
  started(): void;
  stopped(): void;
  failStop(error: StoreError): void;
  fetchTopology(): void;
  doubt(node: string): void;
  stepMoves(steps: readonly MoveStep[]): void;
}

/** The only place where effects become calls. It decides nothing. */
export class EffectRunner {
  readonly #ports: ReplicaPorts;
  readonly #nodeId: string;
  readonly #raise: (event: Event) => void;
  readonly #host: RunnerHost;
  readonly #timers = new Map<number, () => void>();
  #closed = false;

  constructor(ports: ReplicaPorts, nodeId: string, raise: (event: Event) => void, host: RunnerHost) {
    this.#ports = ports;
    this.#nodeId = nodeId;
    this.#raise = (event) => {
      if (!this.#closed) raise(event);
    };
    this.#host = host;
  }

  /** Stops the timers; answers that still come in are dropped. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  run(effect: Effect): void {
    switch (effect.type) {
      case 'append': {
        const { keyspaceId: keyspace, key, value } = effect;
        return this.#change(effect.ticket, (durable) => this.#ports.store.append({ keyspace, key, value }, durable));
      }
      case 'remove':
        return this.#change(effect.ticket, (durable) =>
          this.#ports.store.remove(effect.keyspaceId, effect.key, durable),
        );
      case 'dropPartition':
        return this.#change(effect.ticket, (durable) =>
          this.#ports.store.dropPartition(effect.keyspaceId, effect.partition, durable),
        );
      case 'read': {
        const { ticket } = effect;
        return this.#ports.store.get(effect.keyspaceId, effect.key, (failed, found) =>
          this.#raise({
            type: 'read',
            ticket,
            outcome: failed === undefined ? { ok: true, value: found?.value } : { ok: false, error: failed },
          }),
        );
      }
      case 'page': {
        const { ticket, keyspaceId: keyspace, partition, after, maxRecords, maxBytes } = effect;
        const request = { keyspace, partition, maxRecords, maxBytes, ...(after && { after }) };
        return void this.#ports.store.scanPage(request).then(
          ({ records, damaged, next }) =>
            this.#raise({ type: 'page', ticket, outcome: { ok: true, value: { records, damaged, next } } }),
          (error: unknown) => this.#raise({ type: 'page', ticket, outcome: failure(error) }),
        );
      }
      case 'send': {
        const { ticket } = effect;
        const { clock, transport } = this.#ports;
        const sentAtMs = clock.monotonicMs();
        return transport.call(effect.to, effect.request, effect.timeoutMs, (outcome) =>
          this.#raise({ type: 'peer', ticket, outcome, tookMs: clock.monotonicMs() - sentAtMs }),
        );
      }
      case 'timer': {
        const { ticket } = effect;
        const fire = (): void => {
          this.#timers.delete(ticket);
          this.#raise({ type: 'timer', ticket });
        };
        return void this.#timers.set(ticket, this.#ports.clock.setTimer(effect.afterMs, fire));
      }
      case 'cancel':
        this.#timers.get(effect.ticket)?.();
        return void this.#timers.delete(effect.ticket);
      case 'register': {
        const { ticket } = effect;
        return void this.#ports.topologyStore.registerBoot(this.#nodeId, effect.boot, effect.incarnation).then(
          (value) => this.#raise({ type: 'registered', ticket, outcome: { ok: true, value } }),
          (error: unknown) => this.#raise({ type: 'registered', ticket, outcome: failure(error) }),
        );
      }
      case 'reply':
        return this.#host.reply(effect.op, effect.outcome);
      case 'respond':
        return this.#host.respond(effect.id, effect.outcome);
      case 'started':
        return this.#host.started();
      case 'stopped':
        return this.#host.stopped();
      case 'failStop':
        return this.#host.failStop(effect.error);
      case 'fetchTopology':
        return this.#host.fetchTopology();
      case 'stepMoves':
        return this.#host.stepMoves(effect.steps);
      case 'doubt':
        return this.#host.doubt(effect.node);
      case 'note':
        return this.#ports.note?.(effect.level, effect.text, effect.facts);
      default:
        return unreachable(effect);
    }
  }

  /** The store answers at once whether it takes a change, and later whether it is on the medium. */
  #change(ticket: number, change: (durable: OnDurable) => void): void {
    try {
      change((failed) => this.#raise({ type: 'durable', ticket, failed }));
    } catch (error) {
      return this.#raise({ type: 'accepted', ticket, refused: StoreError.from(error) });
    }
    this.#raise({ type: 'accepted', ticket, refused: undefined });
  }
}

function failure(error: unknown): { readonly ok: false; readonly error: StoreError } {
  return { ok: false, error: StoreError.from(error) };
}
