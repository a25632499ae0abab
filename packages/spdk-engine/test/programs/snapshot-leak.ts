// Takes many snapshots, most of them given up halfway, and prints what remains and how much one needs, as JSON.
import { setImmediate as turn } from 'node:timers/promises';
import { openEngine, verifySnapshot } from '../../src/index.ts';

const records = 1500;
const value = new Uint8Array(64 * 1024).fill(1);

await using engine = await openEngine({ device: 'memory:', sizeBytes: 192 * 1024 * 1024, partitionBits: 2 });
// Three times over, so that no memory of the device is used for the first time later.
for (let n = 0; n < 3 * records; n += 1) {
  await engine.append({ keyspace: 1, key: Buffer.from(`${n % records}`), value }).durable;
}

async function collected(): Promise<{ heap: number; buffers: number; native: number }> {
  for (let n = 0; n < 5; n += 1) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed, heapTotal, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, native: rss - heapTotal };
}

async function giveUpHalfway(): Promise<void> {
  let blocks = 0;
  for await (const _ of engine.snapshot()) {
    engine.append({ keyspace: 1, key: Buffer.from(`${blocks}`), value });
    blocks += 1;
    if (blocks === 20) break;
  }
}

/** Bytes held at once by a snapshot that is read slowly, beyond those before it. */
async function most(): Promise<number> {
  const { buffers } = await collected();
  let highest = 0;
  for await (const _ of engine.snapshot()) highest = Math.max(highest, (await collected()).buffers - buffers);
  return highest;
}

const samples: Awaited<ReturnType<typeof collected>>[] = [];
for (let n = 0; n < 40; n += 1) {
  await giveUpHalfway();
  if (n % 10 === 9) samples.push(await collected());
}
const least = (what: keyof (typeof samples)[0]): number =>
  Math.min(...samples.slice(1).map((sample, index) => sample[what] - (samples[index]?.[what] ?? 0)));
const { records: last } = await verifySnapshot(engine.snapshot());
const grown = { heap: least('heap'), buffers: least('buffers'), native: least('native') };
process.stdout.write(JSON.stringify({ ...grown, most: await most(), last }));
