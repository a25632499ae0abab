/**
 * Has `work` done for each item, at most `inFlightMax` at once, in order; `then` is called when all are done. `done` is
 * called once an item, at once or later.
 */
export function forEachBounded<T>(
  items: readonly T[],
  inFlightMax: number,
  work: (item: T, done: () => void) => void,
  then: () => void,
): void {
  let at = 0;
  let inFlight = 0;
  let finished = false;
  let running = false;
  const next = (): void => {
    // What is done at once comes back here before it returns: one loop serves all, however many there are.
    if (running) return;
    running = true;
    while (inFlight < inFlightMax && at < items.length) {
      inFlight++;
      work(items[at++]!, () => {
        inFlight--;
        next();
      });
    }
    running = false;
    if (finished || inFlight > 0 || at < items.length) return;
    finished = true;
    then();
  };
  next();
}
