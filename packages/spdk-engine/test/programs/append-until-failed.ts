// Appends until the device fails, then tells what became of every promise. Prints one line of JSON.
import { StoreError } from '@ferrite/errors';
import { openEngine } from '../../src/index.ts';

const [device = '', driver = 'auto'] = process.argv.slice(2);
const engine = await openEngine({ device, sizeBytes: 0, driver: driver === 'pool' ? 'pool' : 'auto', create: false });
const key = (n: number): Uint8Array => Buffer.from(`key ${n}`);
const reasonOf = (error: unknown): string => (StoreError.is(error) ? `${error.reason} ${error.effect}` : String(error));

const outcomes: string[] = [];
const settled: Promise<void>[] = [];
let refused = '';
for (let n = 0; refused === ''; n += 1) {
  try {
    const { durable } = engine.append({ keyspace: 1, key: key(n), value: new Uint8Array(100_000) });
    settled.push(
      durable.then(
        () => void (outcomes[n] = 'durable'),
        (error: unknown) => void (outcomes[n] = reasonOf(error)),
      ),
    );
    if (n % 8 === 7) await Promise.all(settled);
  } catch (error) {
    refused = reasonOf(error);
  }
}
await Promise.all(settled);
const durable = outcomes.filter((outcome) => outcome === 'durable').length;
const failed = await engine.failed;
const read = await engine.get(1, key(0)).then(() => 'read', reasonOf);
const closed = await engine.close().then(() => 'closed', reasonOf);
process.stdout.write(
  JSON.stringify({
    durable,
    lost: [...new Set(outcomes.slice(durable))],
    refused,
    failed: failed.reason,
    read,
    closed,
  }),
);
