// Appends numbered records to an NVMe-oF target, 64 in flight, until the device fails; closes, opens the device again as
// soon as that works, and looks for everything that was acknowledged. Prints a line at the first acknowledgement, then
// one of JSON.
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@ferrite/errors';
import { type Engine, openEngine } from '../../src/index.ts';

const PATIENCE_MS = 30_000;
const [config = '', timeoutMs = ''] = process.argv.slice(2);
const open = (): Promise<Engine> =>
  openEngine({
    device: 'spdk:Farn1',
    sizeBytes: 0,
    segmentBytes: 1024 * 1024,
    spdk: { config, timeoutMs: Number(timeoutMs) },
  });
const keyOf = (n: number): Uint8Array => Buffer.from(`key ${n}`);
const valueOf = (n: number): Uint8Array => new Uint8Array(1000).fill(n);

const first = await open();
const acknowledged: number[] = [];
let next = 0;
await Promise.all(
  Array.from({ length: 64 }, async () => {
    for (;;) {
      const n = next;
      next += 1;
      try {
        await first.append({ keyspace: 1, key: keyOf(n), value: valueOf(n) }).durable;
      } catch {
        return;
      }
      if (acknowledged.push(n) === 1) process.stdout.write('working\n');
    }
  }),
);
const { reason } = await first.failed;
const failedAt = Date.now();
await first.close().catch(() => undefined);
const closeMs = Date.now() - failedAt;

let again: Engine | undefined;
for (const until = Date.now() + PATIENCE_MS; again === undefined; ) {
  again = await open().catch(async (error: unknown) => {
    if (!StoreError.is(error) || Date.now() > until) throw error;
    await sleep(200);
    return undefined;
  });
}
let missing = 0;
for (const n of acknowledged) {
  const record = await again.get(1, keyOf(n));
  if (record === undefined || Buffer.compare(record.value, valueOf(n)) !== 0) missing += 1;
}
const { report } = again;
await again.close();
process.stdout.write(
  `${JSON.stringify({ failedAt, closeMs, reason, acknowledged: acknowledged.length, missing, report })}\n`,
);
