// Restores the beginning of a snapshot, says so, and waits to be killed.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { restoreSnapshot } from '../../src/index.ts';

const [device = '', path = ''] = process.argv.slice(2);

async function* hanging(): AsyncGenerator<Uint8Array, void, undefined> {
  yield await readFile(path);
  await sleep(200);
  process.stdout.write('restoring\n');
  await sleep(60_000);
}

await restoreSnapshot({ device, sizeBytes: 64 * 1024 * 1024 }, hanging());
