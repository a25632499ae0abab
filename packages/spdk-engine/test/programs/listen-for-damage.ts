// Listens for damage that never comes, with the engine open: it must end by itself.
import { openEngine } from '../../src/index.ts';

const engine = await openEngine({ device: process.argv[2] ?? 'memory:', sizeBytes: 64 * 1024 * 1024 });
void engine.damage().next();
process.stdout.write('listening\n');
