// Appends some records, says so, and waits to be killed with the engine open.
import { setTimeout } from 'node:timers/promises';
import { openEngine } from '../../src/index.ts';
import { keyOf, valueOf } from '../numbered-record.ts';

const [device = '', count = ''] = process.argv.slice(2);
await using engine = await openEngine({ device, sizeBytes: 64 * 1024 * 1024 });
for (let n = 0; n < Number(count); n += 1) {
  await engine.append({ keyspace: 1, key: keyOf(n), value: valueOf(n) }).durable;
}
process.stdout.write('appended\n');
await setTimeout(60_000);
