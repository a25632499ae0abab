import { connect, createServer } from 'node:net';
import { createClient } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { type Listener, listenFabric, openFabricTransport } from '@ferrite/net';
import { KvService } from '@ferrite/proto/kv';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const PREFACE = Buffer.alloc(24);
PREFACE.set([0x8f, 0x46, 0x52, 0x54, 0x0d, 0x0a, 0x1a, 0x0a, 1, 1]);
PREFACE.writeUInt32LE(1_000_000, 12);
PREFACE.writeUInt32LE(100, 16);
PREFACE.writeUInt32LE(1_000_000, 20);

const METHODS = ['Get', 'Put', 'Scan', 'Pipeline', 'Nothing'].map((name) =>
  Buffer.from(`ferrite.kv.v1.KvService/${name}`),
);

function frame(
  type: number,
  flags: number,
  aux: number,
  stream: number,
  deadline: number,
  payload: Uint8Array,
): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(payload.length);
  head[4] = type;
  head[5] = flags;
  head.writeUInt16LE(aux, 6);
  head.writeUInt32LE(stream, 8);
  head.writeUInt32LE(deadline, 12);
  return Buffer.concat([head, payload]);
}

/** Frames that a careless or hostile peer might send: nearly right in every field. */
const hostileFrame = fc
  .tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.oneof(fc.constant(3), fc.nat(15)),
    fc.nat(5),
    fc.oneof(fc.nat(6), fc.nat(0xffff_ffff)),
    fc.oneof(fc.constant(0), fc.nat(50)),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map((fields) => frame(...fields));

const conversation = fc.array(hostileFrame, { minLength: 1, maxLength: 12 }).map((frames) => Buffer.concat(frames));

let listener: Listener;
let bugs: unknown[] = [];
beforeAll(async () => {
  listener = await listenFabric({
    address: '127.0.0.1:0',
    limits: { headersTimeoutMs: 200, drainTimeoutMs: 200 },
    onError: (error) => bugs.push(error),
    routes: (router) =>
      router.service(KvService, {
        get: ({ key }) => ({ context: key }),
        put: async ({ value }) => ({ context: value }),
        async *scan({ limit }) {
          for (let index = 0; index < Math.min(limit, 20); index++) yield {};
        },
        async *pipeline(requests) {
          for await (const { tag } of requests) yield { tag };
        },
      }),
  });
});
afterAll(() => listener.close());

/** Sends bytes, closes, and waits for the server to be done with the connection. */
function send(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const [host, port] = listener.address.split(':');
    const socket = connect(Number(port), host, () => socket.end(bytes));
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
  });
}

/** True if a good client is served and nothing is left of the others. */
async function stillServes(): Promise<boolean> {
  const transport = openFabricTransport({ address: listener.address });
  const { context } = await createClient(KvService, transport).put({ value: Uint8Array.of(1) }, { timeoutMs: 5000 });
  expect(context).toEqual(Buffer.from([1]));
  await transport.close();
  await expect.poll(() => [listener.connections, listener.inFlight]).toEqual([0, 0]);
  return bugs.length === 0;
}

it('a server survives arbitrary bytes after the preface or instead of it', async () => {
  bugs = [];
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.uint8Array({ maxLength: 200 }), (preface, bytes) =>
      send(preface ? Buffer.concat([PREFACE, bytes]) : Buffer.from(bytes)),
    ),
    { numRuns: 300 },
  );
  expect(await stillServes()).toBe(true);
});

it('a server survives frames in every order, cut off anywhere', async () => {
  bugs = [];
  const named = METHODS.map((name, id) => frame(1, 0, id, 0, 0, name));
  await fc.assert(
    fc.asyncProperty(conversation, fc.double({ min: 0.3, max: 1, noNaN: true }), (frames, part) => {
      const bytes = Buffer.concat([PREFACE, ...named, frames]);
      return send(bytes.subarray(0, Math.ceil(bytes.length * part)));
    }),
    { numRuns: 500 },
  );
  expect(await stillServes()).toBe(true);
});

it('a client fails its calls, and nothing else, whatever a server answers', async () => {
  let foreign = 0;
  const answer = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    conversation,
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), answer, async (preface, bytes) => {
      const server = createServer((socket) => {
        socket.on('error', () => {}).on('data', () => {});
        if (preface) socket.write(PREFACE);
        socket.once('data', () => setImmediate(() => socket.end(bytes)));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const bound = server.address();
      const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
      const transport = openFabricTransport({ address: `127.0.0.1:${port}`, limits: { drainTimeoutMs: 100 } });
      const kv = createClient(KvService, transport);
      const scan = async (): Promise<void> => {
        for await (const _ of kv.scan({}, { timeoutMs: 1000 }));
      };
      const results = await Promise.allSettled([
        kv.get({}, { timeoutMs: 1000 }),
        kv.put({}, { timeoutMs: 1000 }),
        scan(),
      ]);
      foreign += results.filter((result) => result.status === 'rejected' && !StoreError.is(result.reason)).length;
      await transport.close();
      await new Promise((resolve) => server.close(resolve));
    }),
    { numRuns: 200 },
  );
  expect(foreign).toBe(0);
});
