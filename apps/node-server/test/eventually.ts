import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, at most 60 s, until the check passes. For tests only. */
export async function eventually(check: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(100);
    }
  }
}
