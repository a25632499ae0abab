// A worker thread with an engine of its own; it reports when all is stored, then works until it is terminated.
import { parentPort, workerData } from 'node:worker_threads';
import { openEngine } from '../../src/index.ts';

const { device, until }: { device: string; until: 'done' | 'terminated' } = workerData;
const engine = await openEngine({ device, sizeBytes: 64 * 1024 * 1024 });
const key = (n: number): Uint8Array => Buffer.from(`key ${n}`);
for (let n = 0; n < 1000; n += 1) engine.append({ keyspace: 1, key: key(n), value: Buffer.from(`${device} ${n}`) });
await engine.flush();
let right = 0;
for (let n = 0; n < 1000; n += 1) {
  const record = await engine.get(1, key(n));
  if (Buffer.from(record?.value ?? []).toString() === `${device} ${n}`) right += 1;
}
parentPort?.postMessage(right, []);
if (until === 'done') {
  await engine.close();
  process.exit();
}
for (;;) {
  await Promise.all(Array.from({ length: 64 }, (_, n) => engine.get(1, key(n))));
  for (let n = 0; n < 8; n += 1) engine.append({ keyspace: 2, key: key(n), value: new Uint8Array(100) });
}
