import { WATCH_MS_MAX, WATCH_MS_MIN } from './limits.ts';

/**
 * Calls `look` every now and then until `signal` fires: soon again after it found something new, else more and more
 * rarely. Pauses are drawn at random, so that clients that started together do not look together. `look` never rejects.
 */
export function watchTopology(look: () => Promise<'new' | 'same'>, signal: AbortSignal, random = Math.random): void {
  let pauseMs = WATCH_MS_MIN;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const next = (): void => {
    if (signal.aborted) return;
    timer = setTimeout(() => void run(), pauseMs * (0.75 + random() / 2));
    // Waiting for a change is no reason for a process to live on.
    if (typeof timer === 'object' && 'unref' in timer) timer.unref();
  };
  const run = async (): Promise<void> => {
    const found = await look();
    pauseMs = found === 'new' ? WATCH_MS_MIN : Math.min(WATCH_MS_MAX, pauseMs * 1.5);
    next();
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  next();
}
