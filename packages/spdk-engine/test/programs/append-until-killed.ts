// Appends numbered records, 64 in flight, and prints the number of each once it is durable, until somebody kills it.
import { writeSync } from 'node:fs';
import { openEngine } from '../../src/index.ts';
import { keyOf, valueOf } from '../numbered-record.ts';

const [device = '', driver = 'auto', first = '0'] = process.argv.slice(2);
const engine = await openEngine({
  device,
  sizeBytes: 256 * 1024 * 1024,
  segmentBytes: 4 * 1024 * 1024,
  driver: driver === 'pool' ? 'pool' : 'auto',
});
let next = Number(first);
await Promise.all(
  Array.from({ length: 64 }, async () => {
    for (;;) {
      const n = next;
      next += 1;
      await engine.append({ keyspace: 1, key: keyOf(n), value: valueOf(n), generation: n }).durable;
      writeSync(1, `${n}\n`);
    }
  }),
);
