// Prints which signals this process catches before and after SPDK is loaded and started.
import { readFileSync } from 'node:fs';
import { openEngine } from '../../src/index.ts';

const caught = (): string => /^SigCgt:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
const before = caught();
const config = {
  subsystems: [
    {
      subsystem: 'bdev',
      config: [{ method: 'bdev_malloc_create', params: { name: 'M', block_size: 4096, num_blocks: 4096 } }],
    },
  ],
};
const engine = await openEngine({ device: 'spdk:M', sizeBytes: 0, allowVolatile: true, spdk: { config } });
const after = caught();
await engine.close();
process.stdout.write(JSON.stringify({ before, after }));
