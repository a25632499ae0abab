// Runs to its last line with appends in flight and the engine open: it must hear of them, and then end by itself.
import { openEngine } from '../../src/index.ts';

const engine = await openEngine({ device: process.argv[2] ?? 'memory:', sizeBytes: 64 * 1024 * 1024 });
const { durable } = engine.append({ keyspace: 1, key: Buffer.from('key'), value: new Uint8Array(10) });
void durable.then(() => process.stdout.write('durable\n'));
