/** Something that will happen, unless it is cancelled first. */
export interface Appointment {
  readonly at: number;
  readonly sequence: number;
  run: (() => void) | undefined;
}

/** Virtual time: one heap of appointments, ordered by (time, sequence), so that nothing ever happens in doubt. */
export class Timeline {
  readonly #heap: Appointment[] = [];
  #now = 0;
  #sequence = 0;
  #events = 0;

  /** Milliseconds since the start of the run. */
  get now(): number {
    return this.#now;
  }

  /** Appointments kept so far. */
  get events(): number {
    return this.#events;
  }

  after(delayMs: number, run: () => void): Appointment {
    const appointment = { at: this.#now + delayMs, sequence: this.#sequence++, run };
    this.#push(appointment);
    return appointment;
  }

  /** Runs what is due up to `until`, in order; then it is `until`. */
  runUntil(until: number): void {
    for (let top = this.#heap[0]; top !== undefined && top.at <= until; top = this.#heap[0]) {
      this.#pop();
      if (top.run === undefined) continue;
      this.#now = top.at;
      this.#events++;
      top.run();
    }
    this.#now = until;
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(appointment);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(appointment, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = appointment;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Appointment, b: Appointment): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
