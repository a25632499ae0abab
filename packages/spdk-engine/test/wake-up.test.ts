import { expect, it } from 'vitest';
import { openEngine } from '../src/index.ts';

it('loses no wake-up: thousands of operations one after the other, with nothing else to wake the event loop', async () => {
  await using engine = await openEngine({ device: 'memory:', sizeBytes: 64 * 1024 * 1024 });
  const key = Buffer.from('key');
  await engine.append({ keyspace: 1, key, value: Buffer.from('value') }).durable;
  // A lost one would leave its await open for ever.
  for (let n = 0; n < 5000; n += 1) {
    await engine.flush();
    expect(await engine.get(1, key)).toBeDefined();
  }
  for (let n = 0; n < 500; n += 1) {
    await Promise.all([engine.get(1, key), engine.append({ keyspace: 1, key, value: Buffer.from('v') }).durable]);
  }
  expect(engine.stats().gets).toBe(5500);
});
