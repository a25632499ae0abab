import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../src/index.ts';

const sizeBytes = 64 * 1024 * 1024;
const key = Buffer.from('key');
let directory: string;
let device: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-inline-'));
  device = `file:${join(directory, 'image')}`;
});
afterEach(() => rm(directory, { recursive: true }));

// A single operation is waited for without a turn of the event loop, which must still get its turns.
describe.each([{ pollMicros: 0 }, { pollMicros: 50 }, { pollMicros: 0, waitInline: false }])(
  'an engine that is asked one thing after the other (%o)',
  (how) => {
    it.each(['get', 'get of nothing', 'append'])('lets timers and sockets have their turn (%s)', async (what) => {
      await using engine = await openEngine({ device, sizeBytes, ...how });
      await engine.append({ keyspace: 1, key, value: Buffer.alloc(1000) }).durable;
      const ask = {
        get: () => engine.get(1, key),
        'get of nothing': () => engine.get(2, key),
        append: () => engine.append({ keyspace: 1, key, value: Buffer.alloc(1000) }).durable,
      }[what];
      const heard: string[] = [];
      const server = createServer((socket) => socket.on('data', (data) => heard.push(data.toString())));
      await new Promise<void>((resolve) => server.listen(join(directory, 'socket'), resolve));
      const client = connect(join(directory, 'socket'));
      setTimeout(() => heard.push('timer'), 5);
      setImmediate(() => client.write('socket'));
      const deadline = Date.now() + 30_000;
      let asked = 0;
      for (; heard.length < 2 && Date.now() < deadline; asked += 1) await ask?.();
      client.destroy();
      server.close();
      expect(heard.toSorted()).toEqual(['socket', 'timer']);
      expect(asked).toBeGreaterThan(0);
    });

    it('may be closed while a single operation is under way, and by it', async () => {
      const engine = await openEngine({ device, sizeBytes, ...how });
      await engine.append({ keyspace: 1, key, value: Buffer.alloc(1000) }).durable;
      const reading = engine.get(1, key).then(async (record) => {
        await engine.close();
        return record?.value.length;
      });
      expect(await reading).toBe(1000);
      await expect(engine.get(1, key)).rejects.toMatchObject({ reason: 'SHUTTING_DOWN' });
    });
  },
);

it('reads on where the memory of earlier records was given away', async () => {
  await using engine = await openEngine({ device, sizeBytes });
  for (let n = 0; n < 50; n += 1) {
    await engine.append({ keyspace: 1, key, value: Buffer.from(`value ${n}`) }).durable;
    const record = await engine.get(1, key);
    expect(Buffer.from(record?.value ?? []).toString()).toBe(`value ${n}`);
    if (n % 3 === 0) structuredClone(record, { transfer: [record?.value.buffer as ArrayBuffer] });
  }
  await sleep(0);
});
