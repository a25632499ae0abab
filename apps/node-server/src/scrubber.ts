import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@ferrite/errors';
import type { Engine, ScrubProgress } from '@ferrite/spdk-engine';

/** A device that nobody asks about is looked through this often, and this gently. */
const EVERY_MS = 24 * 60 * 60 * 1000;
const BY_ITSELF_BYTES_PER_SECOND = 8 * 1024 * 1024;

/** How the scrub goes on, or went. */
export interface Scrub extends ScrubProgress {
  /** Why the last one ended early; empty if it did not. */
  readonly failure: string;
}

/**
 * Looks through all that the device holds, once a day by itself and whenever it is asked to: what cannot be read is
 * reported as damage, which the replica mends from the others. One scrub at a time.
 */
export interface Scrubber extends AsyncDisposable {
  /** Begins a scrub unless one runs. `bytesPerSecond` at least 4096; absent: the engine's default. */
  begin(bytesPerSecond?: number): void;
  status(): Scrub;
}

export function openScrubber(
  engine: Pick<Engine, 'scrub'>,
  note: (text: string, facts: Readonly<Record<string, string | number>>) => void,
  everyMs: number = EVERY_MS,
): Scrubber {
  const stop = new AbortController();
  const { signal } = stop;
  let progress: ScrubProgress = {
    running: false,
    bytes: 0,
    bytesTotal: 0,
    startedAtMs: 0,
    finishedAtMs: 0,
    damagedRecords: 0,
    damagedPlaces: 0,
  };
  let failure = '';
  let running: Promise<void> | undefined;

  const scrub = async (bytesPerSecond: number | undefined): Promise<void> => {
    failure = '';
    const onProgress = (seen: ScrubProgress): void => {
      progress = seen;
    };
    try {
      await engine.scrub({ signal, onProgress, ...(bytesPerSecond !== undefined && { bytesPerSecond }) });
      const { bytes, damagedRecords, damagedPlaces } = progress;
      note('the device was scrubbed', { bytes, damagedRecords, damagedPlaces });
    } catch (error) {
      if (signal.aborted) return;
      failure = StoreError.from(error).message;
      note('the scrub of the device ended early', { why: failure });
    } finally {
      progress = { ...progress, running: false };
      running = undefined;
    }
  };
  const begin = (bytesPerSecond?: number): void => {
    running ??= scrub(bytesPerSecond);
  };
  const daily = async (): Promise<void> => {
    for (;;) {
      // A real wait: the device ages by the clock.
      await sleep(everyMs, undefined, { ref: false, signal });
      begin(BY_ITSELF_BYTES_PER_SECOND);
    }
  };
  void daily().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    begin,
    status: () => ({ ...progress, running: running !== undefined, failure }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
