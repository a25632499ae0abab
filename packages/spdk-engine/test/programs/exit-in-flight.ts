// Ends the process while operations are in flight, in the way named by the argument.
import { openEngine } from '../../src/index.ts';

const [device = 'memory:', way = 'exit'] = process.argv.slice(2);
const engine = await openEngine({ device, sizeBytes: 64 * 1024 * 1024 });
const value = new Uint8Array(5000);
for (let n = 0; n < 500; n += 1) engine.append({ keyspace: 1, key: Buffer.from(`key ${n}`), value });
for (let n = 0; n < 500; n += 1) void engine.get(1, Buffer.from(`key ${n}`));
if (way === 'close') void engine.close();
if (way === 'opening') void openEngine({ device: 'memory:', sizeBytes: 64 * 1024 * 1024 });
process.stdout.write('submitted\n');
process.exit(0);
