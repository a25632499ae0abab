import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonClient, type Reply } from './json-client.ts';

/** Puts and gets that go on beside a test, each sent once, and what has gone wrong with them. For tests only. */
export interface SteadyTraffic {
  readonly puts: number;
  readonly gets: number;
  /** Calls that failed, and gets that did not return the value that was put before them. */
  readonly failures: readonly string[];
  /** The slowest call, in milliseconds. */
  readonly slowestMs: number;
  /** Ends it when the calls in flight are answered. */
  stop(): Promise<void>;
}

const WORKERS_PER_NODE = 2;
const PAUSE_MS = 5;
const KEYS_PER_WORKER = 16;

/** Starts it: two workers a node, each putting at QUORUM at its node and getting the same key at the next one. No retries. */
export function startTraffic(urls: readonly string[]): SteadyTraffic {
  const clients = urls.map(jsonClient);
  // What an earlier traffic has left is none of this one's business.
  const run = randomUUID();
  const failures: string[] = [];
  const seen = { puts: 0, gets: 0, slowestMs: 0 };
  let running = true;

  const timed = async <T>(what: string, call: Promise<Reply<T>>): Promise<T | undefined> => {
    const startedAt = performance.now();
    const reply = await call;
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt);
    if (reply.ok) return reply.value;
    failures.push(`${what}: ${reply.error.status} ${reply.error.message}`);
    return undefined;
  };
  const work = async (at: number, worker: number): Promise<void> => {
    const contexts = new Map<string, string>();
    for (let i = 0; running; i++) {
      const key = `${run} ${at} ${worker} ${i % KEYS_PER_WORKER}`;
      const value = `${i}`;
      const context = contexts.get(key) ?? '';
      const put = await timed(`put ${key} at node ${at}`, clients[at]!.put(key, value, { context }));
      seen.puts++;
      if (put === undefined) continue;
      contexts.set(key, put.context);
      const got = await timed(`get ${key} of node ${at}`, clients[(at + 1) % clients.length]!.get(key));
      seen.gets++;
      if (got !== undefined && got.values.join() !== value)
        failures.push(`get ${key}: ${got.values.join()} instead of ${value}`);
      await sleep(PAUSE_MS);
    }
  };
  const workers = urls.flatMap((_, at) => Array.from({ length: WORKERS_PER_NODE }, (_, worker) => work(at, worker)));
  return {
    get puts() {
      return seen.puts;
    },
    get gets() {
      return seen.gets;
    },
    get slowestMs() {
      return seen.slowestMs;
    },
    failures,
    async stop() {
      running = false;
      await Promise.all(workers);
    },
  };
}
