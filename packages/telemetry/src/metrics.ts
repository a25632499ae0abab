import { Counter, Gauge, Registry } from 'prom-client';

/** Numbers for Prometheus, read from their owners when they are scraped. Nothing global: one registry a call. */
export interface Metrics {
  readonly contentType: string;
  /** A number that goes up and down. */
  gauge(name: string, help: string, read: () => number): void;
  /** A number that only grows; `read` gives its total. */
  counter(name: string, help: string, read: () => number): void;
  /** The exposition text. */
  text(): Promise<string>;
}

/** Opens an empty set of metrics. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  return {
    contentType: registry.contentType,
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({ name, help, registers: [registry], collect: () => gauge.set(read()) });
    },
    counter(name, help, read) {
      let seen = 0;
      const counter: Counter = new Counter({
        name,
        help,
        registers: [registry],
        collect: () => {
          const total = read();
          counter.inc(Math.max(0, total - seen));
          seen = total;
        },
      });
    },
    text: () => registry.metrics(),
  };
}
