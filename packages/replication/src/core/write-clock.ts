import { HYBRID_AHEAD_MS_MAX, HYBRID_TICKS_PER_MS, HybridClock } from '@ferrite/vector-clock';
import type { Desk } from './desk.ts';

/** Between two notes of the same alarm, in milliseconds of the wall clock. */
const NOTE_EVERY_MS = 60_000;

/** The clock that stamps the writes this node coordinates (P6). */
export class WriteClock {
  readonly #desk: Desk;
  readonly #clock = new HybridClock();
  #aheads = 0;
  #notedMs = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Writes so far whose record was stamped by a clock more than five minutes ahead of this one. */
  get aheads(): number {
    return this.#aheads;
  }

  /** A time above `floor`, in ticks. One that is too far ahead of `wallMs` raises an alarm and does not move the clock. */
  next(wallMs: number, floor: number): number {
    const { ticks, ahead } = this.#clock.next(wallMs, floor);
    if (ahead) this.#alarm(wallMs, floor);
    return ticks;
  }

  #alarm(wallMs: number, floor: number): void {
    this.#aheads++;
    if (Math.abs(wallMs - this.#notedMs) < NOTE_EVERY_MS) return;
    this.#notedMs = wallMs;
    const aheadMs = Math.round(floor / HYBRID_TICKS_PER_MS - wallMs);
    this.#desk.emit({
      type: 'note',
      level: 'warn',
      text: 'CLOCK_AHEAD: a record was written by a clock far ahead of this one; set the clocks of all nodes by NTP',
      facts: { aheadMs, allowedMs: HYBRID_AHEAD_MS_MAX, writes: this.#aheads },
    });
  }
}
