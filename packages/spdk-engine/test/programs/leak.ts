// Measures what remains after many operations and after many engines. Prints one line of JSON.
import { readdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { openEngine } from '../../src/index.ts';

const sizeBytes = 256 * 1024 * 1024;
const device = process.argv[2] ?? 'memory:';

async function collected(): Promise<{ heap: number; buffers: number; native: number }> {
  for (let n = 0; n < 5; n += 1) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed, heapTotal, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, native: rss - heapTotal };
}

async function operate(): Promise<void> {
  await using engine = await openEngine({ device: 'memory:', sizeBytes });
  for (let round = 0; round < 40; round += 1) {
    const work: Promise<unknown>[] = [];
    for (let n = 0; n < 200; n += 1) {
      const key = Buffer.from(`key ${n}`);
      if (round === 0) work.push(engine.append({ keyspace: 1, key, value: new Uint8Array(2000) }).durable);
      work.push(
        engine.get(1, key),
        engine.get(1, Buffer.from('absent')).catch(() => undefined),
      );
      if (n % 50 === 0) work.push(engine.scanPage({ keyspace: 1, partition: n }), engine.flush());
    }
    await Promise.all(work);
  }
}

async function openAndClose(): Promise<void> {
  const engine = await openEngine({ device, sizeBytes });
  await engine.append({ keyspace: 1, key: Buffer.from('k'), value: new Uint8Array(10) }).durable;
  await engine.close();
}

const held = (): number => readdirSync('/proc/self/fd').length + readdirSync('/proc/self/task').length;

// The allocator's own steps look like growth now and then; a leak grows in every interval.
const samples: Awaited<ReturnType<typeof collected>>[] = [];
for (let n = 0; n < 24; n += 1) {
  await operate();
  if (n % 8 === 7) samples.push(await collected());
}
const least = (what: keyof (typeof samples)[0]): number =>
  Math.min(...samples.slice(1).map((sample, index) => sample[what] - (samples[index]?.[what] ?? 0)));

await openAndClose();
const heldBefore = held();
for (let n = 0; n < 20; n += 1) await openAndClose();
const heldAfter = held();
process.stdout.write(
  JSON.stringify({
    heap: least('heap'),
    buffers: least('buffers'),
    native: least('native'),
    held: heldAfter - heldBefore,
  }),
);
