import type { Damage } from './open-report.ts';

/** Something acknowledged that cannot be read back. Without a key any record of the partition may be concerned. */
export interface DamageReport extends Damage {
  readonly key?: Uint8Array;
  /** Who found it. */
  readonly source: 'open' | 'read' | 'scrub' | 'compaction';
}

/** Where a scrub is, or how the last one ended. */
export interface ScrubProgress {
  readonly running: boolean;
  /** Looked at so far, and to look at. */
  readonly bytes: number;
  readonly bytesTotal: number;
  /** Milliseconds since the epoch, 0: never. `finishedAtMs`: of the last pass that saw everything. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Records of this pass that cannot be read back; each is reported once by `damage()`. */
  readonly damagedRecords: number;
  /** Places of this pass where anything was wrong, with or without something alive in them. */
  readonly damagedPlaces: number;
}

/** How fast, and who may watch and stop it. */
export interface ScrubOptions {
  /** Bytes a second beside the work of others, from 4096; 32 MiB unless given. */
  readonly bytesPerSecond?: number;
  readonly signal?: AbortSignal;
  /** Called a few times a second, and once at the end. */
  readonly onProgress?: (progress: ScrubProgress) => void;
}

/** Reports that wait for one consumer, at most; what is more is stood for by one without a name. */
export const DAMAGE_REPORTS_MAX = 1024;

interface Consumer {
  readonly waiting: DamageReport[];
  wake: () => void;
}

/**
 * Damage, for everybody who listens: each consumer gets every report from the moment it begins. What was found before
 * anybody listened waits in the engine for the first.
 */
export class DamageFeed {
  readonly #consumers = new Set<Consumer>();
  readonly #take: () => readonly DamageReport[];
  #ended = false;

  constructor(take: () => readonly DamageReport[]) {
    this.#take = take;
  }

  /** There may be something to take. */
  announce(): void {
    if (this.#consumers.size === 0) return;
    const reports = this.#take();
    for (const consumer of this.#consumers) {
      for (const report of reports) keep(consumer.waiting, report);
      consumer.wake();
    }
  }

  end(): void {
    this.#ended = true;
    for (const consumer of this.#consumers) consumer.wake();
  }

  async *listen(): AsyncGenerator<DamageReport, void, undefined> {
    const consumer: Consumer = { waiting: [], wake: () => undefined };
    this.#consumers.add(consumer);
    try {
      if (!this.#ended) this.announce();
      for (;;) {
        yield* consumer.waiting.splice(0);
        if (consumer.waiting.length > 0) continue;
        if (this.#ended) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        consumer.wake = resolve;
        await promise;
      }
    } finally {
      this.#consumers.delete(consumer);
    }
  }
}

function keep(waiting: DamageReport[], report: DamageReport): void {
  if (waiting.length < DAMAGE_REPORTS_MAX) {
    waiting.push(report);
  } else if (waiting.length === DAMAGE_REPORTS_MAX) {
    waiting.push({ reason: report.reason, source: report.source });
  }
}
