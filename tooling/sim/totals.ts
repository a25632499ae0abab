import type { SeedReport } from './seed-report.ts';

/** What all seeds so far came to. */
export class Totals {
  readonly #startedAt = performance.now();
  readonly #faults = new Map<string, number>();
  seeds = 0;
  twice = 0;
  events = 0;
  ops = 0;
  violations = 0;
  eventsLeast = Number.POSITIVE_INFINITY;

  add(report: SeedReport): void {
    this.seeds++;
    if (report.twice) this.twice++;
    this.events += report.events;
    this.eventsLeast = Math.min(this.eventsLeast, report.twice ? report.events / 2 : report.events);
    this.ops += report.ops;
    this.violations += report.violations;
    for (const [fault, count] of Object.entries(report.faults))
      this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + count);
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  get faults(): number {
    return [...this.#faults.values()].reduce((sum, count) => sum + count, 0);
  }

  line(wanted: number): string {
    const rate = Math.round(this.events / this.seconds);
    return (
      `${this.seeds} of ${wanted} seeds (${this.twice} of them twice), ${this.events} events (${rate}/s), ` +
      `${this.ops} requests, ${this.faults} faults, ${this.violations} violations`
    );
  }

  /** How often each fault was injected, the most frequent first. */
  faultLine(): string {
    const sorted = [...this.#faults].sort(([, a], [, b]) => b - a);
    return `faults: ${sorted.map(([fault, count]) => `${fault} ${count}`).join(', ') || 'none'}`;
  }

  /** For the evidence. */
  figures(): Record<string, number> {
    const { seeds, twice, events, eventsLeast, ops, faults, violations } = this;
    return { seeds, twice, events, eventsLeast, ops, faults, violations, seconds: Math.round(this.seconds * 10) / 10 };
  }
}
