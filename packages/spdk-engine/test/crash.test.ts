import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { capabilities, type Engine, openEngine, type StoredRecord } from '../src/index.ts';
import { KEYS, keyOf, valueOf } from './numbered-record.ts';
import { startProgram } from './run-program.ts';

const ROUNDS = 5;
const IN_FLIGHT = 64;

const drivers = capabilities().uring.available ? (['uring', 'pool'] as const) : (['pool'] as const);

it.each(drivers)(
  'keeps every acknowledged record through SIGKILL under load, and invents none (%s)',
  async (driver) => {
    const directory = await mkdtemp(join(tmpdir(), 'ferrite-crash-'));
    try {
      const device = `file:${join(directory, 'image')}`;
      const acknowledged = new Map<string, number>();
      let next = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const numbers = await appendAndKill(device, driver, next);
        expect(numbers.length, 'the round did some work').toBeGreaterThan(IN_FLIGHT);
        for (const n of numbers) {
          const name = Buffer.from(keyOf(n)).toString();
          acknowledged.set(name, Math.max(n, acknowledged.get(name) ?? 0));
          next = Math.max(next, n + 1);
        }
        // What was in flight may be there or not; numbers from here on are new.
        next += IN_FLIGHT;
        await using engine = await openEngine({ device, sizeBytes: 0, driver });
        expect(engine.report).toMatchObject({ created: false, clean: false, damaged: [], bootCount: 2 * (round + 1) });
        const stored = await everything(engine);
        for (const [name, n] of acknowledged) {
          const record = stored.get(name);
          expect(record, `${name} was acknowledged as ${n}`).toBeDefined();
          expect(record?.generation, `${name} went back`).toBeGreaterThanOrEqual(n);
        }
        for (const record of stored.values()) {
          expect(record.generation, 'a number nobody appended').toBeLessThan(next);
          expect(Buffer.compare(record.key, keyOf(record.generation))).toBe(0);
          expect(Buffer.compare(record.value, valueOf(record.generation)), `value of ${record.generation}`).toBe(0);
        }
        expect(stored.size).toBeLessThanOrEqual(KEYS);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);

/** The numbers the program saw durable before it was killed. */
async function appendAndKill(device: string, driver: string, first: number): Promise<number[]> {
  const { child, ended } = startProgram('append-until-killed', device, driver, String(first));
  if (child.stdout !== null) await once(child.stdout, 'data');
  // A real sleep: the kill must fall on work in progress, wherever that is.
  await sleep(100 + Math.random() * 200);
  child.kill('SIGKILL');
  const { signal, output } = await ended;
  expect(signal).toBe('SIGKILL');
  return output.slice(0, output.lastIndexOf('\n')).split('\n').map(Number);
}

async function everything(engine: Engine): Promise<Map<string, StoredRecord>> {
  const records = new Map<string, StoredRecord>();
  for (let partition = 0; partition < 2 ** engine.report.partitionBits; partition += 1) {
    for await (const record of engine.scan({ keyspace: 1, partition })) {
      records.set(Buffer.from(record.key).toString(), record);
    }
  }
  return records;
}
