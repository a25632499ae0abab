import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@ferrite/client';
import { StoreError } from '@ferrite/errors';
import { etcdMissing, type RealEtcd, realEtcd } from '../../apps/node-server/test/real-etcd.ts';

/** A change of the topology is done so soon after the store is back. */
const BACK_WITHIN_MS = 10_000;

/** Starts a real etcd on an empty directory, both gone when it is disposed of. Throws where etcd is not installed. */
export async function openEtcd(): Promise<RealEtcd> {
  if (etcdMissing !== '') throw new Error(`there is no store to take away${etcdMissing}`);
  const directory = mkdtempSync(join(tmpdir(), 'ferrite-chaos-etcd-'));
  const etcd = await realEtcd(directory);
  await etcd.start();
  return {
    ...etcd,
    async [Symbol.asyncDispose]() {
      await etcd.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Takes etcd, the topology store of the cluster, away again and again: killed, or stopped so that it takes requests and
 * does not answer. Each time a change of the topology must fail with the reason, and succeed once etcd is back.
 */
export class StoreOutage {
  count = 0;
  readonly violations: string[] = [];
  readonly #etcd: RealEtcd;
  readonly #client: Client;
  readonly #awayMs: number;
  readonly #say: (line: string) => void;

  constructor(etcd: RealEtcd, client: Client, options: { readonly awayMs: number; say(line: string): void }) {
    this.#etcd = etcd;
    this.#client = client;
    this.#awayMs = options.awayMs;
    this.#say = (line) => options.say(line);
  }

  /** One outage after the other until the signal fires; a last one that has begun is gone through. etcd runs when it settles. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(2_000, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#outage(this.count % 2 === 0 ? 'hangs' : 'is dead');
    }
  }

  async #outage(how: 'hangs' | 'is dead'): Promise<void> {
    const name = `outage-${this.count++}`;
    this.#say(`etcd ${how} for ${this.#awayMs / 1000} s`);
    const until = performance.now() + this.#awayMs;
    if (how === 'hangs') this.#etcd.signal('SIGSTOP');
    else await this.#etcd.kill();
    const error = await this.#client.keyspaces.create(name).catch((cause: unknown) => cause);
    if (!(StoreError.is(error) && error.reason === 'TOPOLOGY_UNAVAILABLE'))
      this.violations.push(`a change of the topology while etcd ${how} ended with ${String(error)}`);
    await sleep(Math.max(0, until - performance.now()));
    if (how === 'hangs') this.#etcd.signal('SIGCONT');
    else await this.#etcd.start();
    await this.#changes(name);
  }

  async #changes(name: string): Promise<void> {
    const backAt = performance.now();
    for (;;) {
      try {
        await this.#client.keyspaces.create(name);
        return this.#say(`the topology changes again ${Math.round(performance.now() - backAt)} ms after etcd is back`);
      } catch (error) {
        if (!StoreError.is(error)) throw error;
        // The attempt that failed may have been done all the same.
        if (error.reason === 'KEYSPACE_EXISTS') return;
        if (performance.now() - backAt > BACK_WITHIN_MS) {
          this.violations.push(
            `the topology does not change ${BACK_WITHIN_MS / 1000} s after etcd is back: ${error.message}`,
          );
          return;
        }
        await sleep(200);
      }
    }
  }
}
