import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { CallOptions, Transport } from '@connectrpc/connect';
import { backoffMs, mayRetry, type RetryBudget, StoreError } from '@ferrite/errors';
import type { ClusterView } from './cluster-view.ts';
import { type Deadline, pause } from './deadline.ts';
import { moreTelling } from './more-telling.ts';
import type { NodeLink } from './node-link.ts';

/** One kind of request: whom to ask and whether asking twice is the same as asking once. */
export interface Request<T> {
  /** The nodes to ask, best first; asked for again after the topology changed. */
  readonly route: () => readonly NodeLink[] | Promise<readonly NodeLink[]>;
  readonly keyspace?: string;
  readonly idempotent: boolean;
  /** The same request in wire form, for lines that can send it so. */
  readonly direct?: DirectRequest<T>;
  /** Starts one attempt at the node with this URL. */
  readonly send: (transport: Transport, options: CallOptions, url: string) => Promise<T>;
}

/** A unary call in wire form. */
export interface DirectRequest<T> {
  readonly method: DescMethodUnary;
  readonly encode: () => Uint8Array;
  /** Throws for bytes that are no such answer. */
  readonly decode: (answer: Buffer) => T;
}

/** Sends requests to nodes until one answers, within the rules of what may be repeated. */
export class Dispatcher {
  readonly view: ClusterView;
  readonly budget: RetryBudget;
  readonly #random: () => number;
  #inFlight = 0;

  constructor(view: ClusterView, budget: RetryBudget, random: () => number = Math.random) {
    this.view = view;
    this.budget = budget;
    this.#random = random;
  }

  /**
   * The answer of the first node that gives one. A failure is followed by another attempt only if it certainly had no
   * effect or the request is idempotent; the next attempt goes to a node not asked yet, or, when all were asked, to all
   * of them again after a pause. Throws the last failure that a node told of, else the last one; its effect is `unknown`
   * if that of any attempt was.
   */
  async run<T>(request: Request<T>, deadline: Deadline): Promise<T> {
    this.budget.earn(++this.#inFlight);
    try {
      return await this.#run(request, deadline);
    } finally {
      this.#inFlight--;
    }
  }

  async #run<T>(request: Request<T>, deadline: Deadline): Promise<T> {
    let doubt = false;
    let telling: StoreError | undefined;
    let asked: Set<NodeLink> | undefined;
    let rounds = 0;
    for (;;) {
      const route = request.route();
      const links = route instanceof Promise ? await route : route;
      const link = links.find((candidate) => asked?.has(candidate) !== true) ?? links[0];
      if (link === undefined) throw new StoreError('FABRIC_UNAVAILABLE', { message: 'the topology names no nodes' });
      try {
        return await this.#attempt(link, request, deadline);
      } catch (error) {
        asked ??= new Set();
        asked.add(link);
        const last = links.every((candidate) => asked?.has(candidate) === true);
        if (!StoreError.is(error)) throw error;
        doubt ||= error.effect === 'unknown';
        telling = moreTelling(telling, error);
        const failure = doubt ? telling.withEffect('unknown') : telling;
        if (!(await this.#again(request, error))) throw failure;
        const free = error.retry === 'elsewhere' && error.effect === 'none' && !last;
        if (!free && !this.budget.spend()) throw failure;
        if (last) {
          asked = undefined;
          rounds += 1;
        }
        const waitMs = free ? 0 : Math.max(error.retryAfterMs ?? 0, backoffMs(rounds + 1, this.#random));
        if (waitMs >= deadline.remainingMs()) throw failure;
        await pause(waitMs, deadline);
      }
    }
  }

  #attempt<T>(link: NodeLink, request: Request<T>, deadline: Deadline): Promise<T> {
    const { signal } = deadline;
    const timeoutMs = deadline.attemptMs();
    const send = (): Promise<T> =>
      link.call((transport) => request.send(transport, { timeoutMs, signal }, link.address.url), signal);
    // A call in wire form hears of no signal.
    if (request.direct === undefined || deadline.interruptible) return send();
    return link.callDirect(request.direct, timeoutMs, send);
  }

  /** Whether to ask again after `error`; brings the topology up to date where that may help. */
  async #again<T>(request: Request<T>, error: StoreError): Promise<boolean> {
    if (error.reason === 'KEYSPACE_NOT_FOUND' && request.keyspace !== undefined) {
      // A node may learn of a new keyspace a moment after the client did.
      const { keyspaces } = await this.view.refresh().catch(() => this.view.topology());
      return keyspaces.some((keyspace) => keyspace.name === request.keyspace);
    }
    if (!mayRetry(error, request.idempotent)) return false;
    if (error.reason === 'TOPOLOGY_STALE') await this.view.refresh().catch(() => undefined);
    else if (error.retry === 'elsewhere') this.view.refreshSoon();
    return true;
  }
}
