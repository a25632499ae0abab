// Drops open engines for the garbage collector to close, and waits until their image can be opened again.
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@ferrite/errors';
import { type Engine, openEngine } from '../../src/index.ts';

const config = { device: process.argv[2] ?? '', sizeBytes: 64 * 1024 * 1024 };

async function reopened(): Promise<Engine> {
  for (;;) {
    globalThis.gc?.();
    await sleep(1);
    try {
      return await openEngine(config);
    } catch (error) {
      if (!StoreError.is(error) || error.reason !== 'IMAGE_LOCKED') throw error;
    }
  }
}

/** In a function of its own: a suspended one keeps what its last round held. */
async function useAndDrop(round: number): Promise<void> {
  const engine = await reopened();
  await engine.append({ keyspace: 1, key: Buffer.from(`round ${round}`), value: new Uint8Array(10) }).durable;
}

for (let round = 0; round < 5; round += 1) await useAndDrop(round);
await using engine = await reopened();
process.stdout.write(`clean ${engine.report.clean}, records ${engine.report.records}\n`);
