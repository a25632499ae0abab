import { StoreError } from '@ferrite/errors';
import type { KnownBoot, Registration } from '../core/event.ts';
import type { Outcome } from '../core/message.ts';
import type { TopologyDocument } from '../core/topology.ts';
import type { Prng } from './prng.ts';
import { Slowness } from './slowness.ts';
import type { Timeline } from './timeline.ts';

/** The topology and the boots of the nodes, by compare-and-set; away for a while if a fault says so. */
export class SimTopologyStore {
  #document: TopologyDocument;
  /** Called with each new version. */
  onPublish: (document: TopologyDocument) => void = () => {};
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #delayMs: number;
  readonly #boots = new Map<string, KnownBoot>();
  /** How many faults keep the store away. */
  absences = 0;
  readonly #slowness = new Slowness();

  constructor(timeline: Timeline, prng: Prng, delayMs: number, document: TopologyDocument) {
    this.#document = document;
    this.#delayMs = delayMs;
    this.#timeline = timeline;
    this.#prng = prng;
  }

  /** The highest registered boot of a node, 0 if none. */
  bootOf(node: string): number {
    return this.#boots.get(node)?.boot ?? 0;
  }

  /** The newest version, as only the end of a run may know it. */
  get document(): TopologyDocument {
    return this.#document;
  }

  /** Gives the newest version; says nothing while the store is away. */
  read(then: (document: TopologyDocument) => void): void {
    this.#timeline.after(this.#delay(), () => {
      if (this.absences > 0) return;
      const document = this.#document;
      this.#timeline.after(this.#delay(), () => then(document));
    });
  }

  /** Publishes the version after the newest; tells whether it was that, or nothing if the store is away. */
  publish(document: TopologyDocument, then: (done: boolean) => void): void {
    this.#timeline.after(this.#delay(), () => {
      if (this.absences > 0) return;
      const done = this.publishNow(document);
      this.#timeline.after(this.#delay(), () => {
        // The answer of a store that has just gone away is lost, its effect is not.
        if (this.absences === 0) then(done);
      });
    });
  }

  publishNow(document: TopologyDocument): boolean {
    if (document.epoch !== this.#document.epoch + 1) return false;
    this.#document = document;
    this.onPublish(document);
    return true;
  }

  register(node: string, boot: number, incarnation: string, then: (outcome: Outcome<Registration>) => void): void {
    this.#timeline.after(this.#delay(), () => {
      const answer = this.absences > 0 ? undefined : this.#compareAndSet(node, boot, incarnation);
      this.#timeline.after(this.#delay(), () => {
        // The answer of a store that has just gone away is lost, its effect is not.
        if (answer === undefined || this.absences > 0) then({ ok: false, error: new StoreError('FABRIC_UNAVAILABLE') });
        else then({ ok: true, value: answer });
      });
    });
  }

  /** Makes the store slower by a factor until the returned function is called. */
  slowDown(factor: number): () => void {
    return this.#slowness.slowDown(factor);
  }

  #delay(): number {
    return this.#delayMs * this.#slowness.factor * this.#prng.between(0.2, 1.8);
  }

  #compareAndSet(node: string, boot: number, incarnation: string): Registration {
    const known = this.#boots.get(node);
    const registered = boot > (known?.boot ?? 0);
    if (registered) this.#boots.set(node, { boot, incarnation });
    return { registered, ...(known && { known }) };
  }
}
