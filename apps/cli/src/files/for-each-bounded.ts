/** Bounds on what is worked on at a time. */
export interface Bounds {
  readonly count: number;
  readonly bytes: number;
}

/**
 * Runs `work` for each item in order of their beginning, never more at a time than the bounds allow (but always at least
 * one). The first rejection stops new work; it is thrown once what runs has ended.
 */
export async function forEachBounded<T extends { readonly bytes: number }>(
  items: readonly T[],
  bounds: Bounds,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let bytes = 0;
  let failed = false;
  let failure: unknown;
  for (const item of items) {
    while (!failed && running.size > 0 && (running.size >= bounds.count || bytes + item.bytes > bounds.bytes)) {
      await Promise.race(running);
    }
    if (failed) break;
    bytes += item.bytes;
    const run: Promise<void> = work(item)
      .catch((error: unknown) => {
        failure ??= error;
        failed = true;
      })
      .finally(() => {
        bytes -= item.bytes;
        running.delete(run);
      });
    running.add(run);
  }
  await Promise.all(running);
  if (failed) throw failure;
}
