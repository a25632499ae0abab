import { type Engine, openEngine } from '@ferrite/spdk-engine';
import { borrowedKey } from './data-set.ts';
import type { GrowthAnswer, GrowthRequest } from './engine/growth.ts';
import { fillRecords } from './engine/images.ts';
import { serveParent } from './worker.ts';

// One image with many small records, in a process of its own whose memory is that of the engine.

const SMALL_VALUE = new Uint8Array(32).fill(0x5a);

let engine: Engine | undefined;
let openMs = 0;

async function work(request: GrowthRequest): Promise<void> {
  if ('open' in request) {
    const started = performance.now();
    engine = await openEngine({ device: `file:${request.open}`, sizeBytes: request.sizeBytes });
    openMs = performance.now() - started;
  } else if ('fill' in request) {
    if (engine === undefined) throw new Error('no image is open');
    await fillRecords(engine, 0, request.fill, SMALL_VALUE);
    // Only what was stored is of use: a record that cannot be read back would make the figures wrong.
    if ((await engine.get(1, borrowedKey(request.fill - 1))) === undefined)
      throw new Error('the last key is not there');
  } else {
    await engine?.close();
  }
}

serveParent<GrowthRequest, GrowthAnswer>(async (request) => {
  await work(request);
  globalThis.gc?.();
  const { clean = false } = engine?.report ?? {};
  const records = 'close' in request ? 0 : (engine?.stats().records ?? 0);
  return { openMs, clean, records, residentBytes: process.memoryUsage.rss() };
});
