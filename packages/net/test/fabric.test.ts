import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import {
  type FabricTransport,
  type Limits,
  type Listener,
  listenFabric,
  listenHttp,
  openFabricTransport,
  type Routes,
} from '@ferrite/net';
import { KvService } from '@ferrite/proto/kv';
import { afterEach, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

let cleaned = 0;
let release: () => void = () => {};
const held = (): Promise<void> =>
  new Promise((resolve) => {
    release = resolve;
  });

const routes: Routes = (router) =>
  router.service(KvService, {
    get: () => ({}),
    async put({ key, value }) {
      if (key.length > 0) await held();
      return { context: value };
    },
    async *scan({ limit, prefix }) {
      try {
        for (let index = 0; prefix.length === 0 || index < 4; index++) {
          const length = limit === 1 ? 20_000_000 : (100_000 + index) * Math.max(1, prefix.length);
          yield { key: Buffer.alloc(length, index + 1) };
        }
      } finally {
        cleaned += 1;
      }
    },
    async *pipeline(requests) {
      for await (const { tag } of requests) {
        yield { tag };
        if (tag === 1n) return;
      }
    },
  });

async function serve(limits: Partial<Limits> = {}, address = '127.0.0.1:0'): Promise<Listener> {
  const listener = await listenFabric({ address, routes, limits: { drainTimeoutMs: 300, ...limits } });
  open.push(() => listener.close());
  return listener;
}

function client(
  address: string,
  limits: Partial<Limits> = {},
): { kv: Client<typeof KvService>; transport: FabricTransport } {
  const transport = openFabricTransport({ address, limits: { drainTimeoutMs: 200, ...limits }, random: () => 0 });
  open.push(() => transport.close());
  return { kv: createClient(KvService, transport as Transport), transport };
}

/** Sends bytes and gives everything that comes back until the peer closes. */
async function talk(address: string, bytes: string | Uint8Array): Promise<Buffer> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  const parts: Buffer[] = [];
  socket.on('error', () => {});
  socket.write(bytes);
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function rawServer(onBytes: (server: Server) => void): Promise<string> {
  const server = createServer();
  onBytes(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => server.close(resolve)));
  const bound = server.address();
  return `127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
}

it('works over a Unix socket', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ferrite-net-'));
  open.push(() => rm(dir, { recursive: true }));
  const listener = await serve({}, `unix:${join(dir, 's')}`);
  expect((await client(listener.address).kv.put({ value: Buffer.from('v') })).context).toHaveLength(1);
});

it('reports a port in use with its address and the next step', async () => {
  const { address } = await serve();
  await expect(serve({}, address)).rejects.toMatchObject({ reason: 'ADDRESS_IN_USE', details: { address } });
  await expect(serve({}, address)).rejects.toThrow(`another process listens on ${address}. Stop the other process`);
  await expect(listenHttp({ address, routes })).rejects.toMatchObject({ reason: 'ADDRESS_IN_USE' });
});

it('fails calls to a port nobody listens on as FABRIC_UNAVAILABLE with effect none', async () => {
  const listener = await serve();
  await listener.close();
  const { kv } = client(listener.address);
  await expect(kv.put({})).rejects.toMatchObject({
    reason: 'FABRIC_UNAVAILABLE',
    effect: 'none',
    details: { address: listener.address },
  });
});

it('connects again once the server is back', async () => {
  const first = await serve();
  const { kv } = client(first.address);
  await kv.put({});
  await first.close();
  await expect(kv.put({})).rejects.toMatchObject({ effect: 'none' });
  await serve({}, first.address);
  await expect
    .poll(() =>
      kv.put({}).then(
        () => 'done',
        () => 'failed',
      ),
    )
    .toBe('done');
});

it('tells a lost write (unknown) from a lost read (none)', async () => {
  const listener = await serve({ drainTimeoutMs: 50 });
  const { kv } = client(listener.address);
  await kv.get({});
  const put = kv.put({ key: Buffer.from('hold') }).catch((error: unknown) => error);
  await expect.poll(() => listener.inFlight).toBe(1);
  await listener.close();
  expect(await put).toMatchObject({ reason: 'FABRIC_UNAVAILABLE', effect: 'unknown' });

  const silent = await rawServer((server) =>
    server.on('connection', (socket) => socket.on('error', () => {}).resume()),
  );
  const reader = openFabricTransport({ address: silent, connectTimeoutMs: 50 });
  open.push(() => reader.close());
  await expect(createClient(KvService, reader).get({})).rejects.toMatchObject({
    reason: 'FABRIC_UNAVAILABLE',
    effect: 'none',
  });
});

it('finishes calls in flight before it closes, and refuses new ones', async () => {
  const listener = await serve({ drainTimeoutMs: 5000 });
  const { kv } = client(listener.address);
  const put = kv.put({ key: Buffer.from('hold'), value: Buffer.from('v') });
  await expect.poll(() => listener.inFlight).toBe(1);
  const closed = listener.close();
  await sleep(20);
  await expect(kv.put({})).rejects.toMatchObject({ kind: 'unavailable', effect: 'none' });
  release();
  expect((await put).context).toHaveLength(1);
  await closed;
  expect(listener.connections).toBe(0);
});

it('answers HTTP with one readable line', async () => {
  const { address } = await serve();
  const answer = (await talk(address, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')).toString();
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toMatch(/\r\n\r\nPROTOCOL_MISMATCH: this port speaks the Ferrite fabric protocol, not HTTP[^\n]*\n$/);
});

it('answers another protocol with its preface and a goodbye that says why', async () => {
  const { address } = await serve();
  for (const bytes of [Buffer.from([0x16, 3, 1, 2, 0]), '*1\r\n$4\r\nPING\r\n', Buffer.from([0])]) {
    const answer = await talk(address, bytes);
    expect(answer.subarray(0, 4)).toEqual(Buffer.from([0x8f, 0x46, 0x52, 0x54]));
    expect(answer[24 + 4]).toBe(7);
    expect(answer.toString()).toContain('PROTOCOL_MISMATCH: this port speaks the Ferrite fabric protocol');
  }
});

it('answers the example of FRAMES.md, byte for byte', async () => {
  const { address } = await serve();
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  const preface = Buffer.from('8f4652540d0a1a0a0101000000001000000000000000 1000'.replaceAll(' ', ''), 'hex');
  const method = Buffer.concat([
    Buffer.from('1b000000010000000000000000000000', 'hex'),
    Buffer.from('ferrite.kv.v1.KvService/Put'),
  ]);
  socket.write(
    Buffer.concat([preface, method, Buffer.from('00000000020300000100 0000e8030000'.replaceAll(' ', ''), 'hex')]),
  );
  let answer = Buffer.alloc(0);
  for await (const part of socket) {
    answer = Buffer.concat([answer, part as Buffer]);
    if (answer.length >= 40) break;
  }
  expect(answer.subarray(0, 10).toString('hex')).toBe('8f4652540d0a1a0a0101');
  expect(answer.subarray(24).toString('hex')).toBe('00000000030300000100000000000000');
});

it('names the mistake when a fabric client calls an HTTP port', async () => {
  const http = await listenHttp({ address: '127.0.0.1:0', routes });
  open.push(() => http.close());
  await expect(client(http.address).kv.put({})).rejects.toMatchObject({ reason: 'PROTOCOL_MISMATCH', effect: 'none' });
});

it('closes a connection that says nothing in time', async () => {
  const { address } = await serve({ headersTimeoutMs: 50 });
  expect((await talk(address, '')).toString()).toContain('no fabric preface came in time');
});

it('lets a short answer pass a long one', async () => {
  const { address } = await serve();
  const { kv } = client(address);
  await kv.get({});
  const order: string[] = [];
  const long = kv.put({ value: Buffer.alloc(20_000_000) }).then(() => order.push('long'));
  await kv.get({}).then(() => order.push('short'));
  await long;
  expect(order).toEqual(['short', 'long']);
});

it('refuses a message beyond the limit on either side and keeps the connection', async () => {
  const { address } = await serve({ messageBytesMax: 200_000 });
  const { kv } = client(address);
  await expect(kv.put({ value: Buffer.alloc(300_000) })).rejects.toMatchObject({
    reason: 'MESSAGE_TOO_LARGE',
    effect: 'none',
  });
  expect((await kv.put({ value: Buffer.alloc(100_000) })).context).toHaveLength(100_000);
});

it('sheds calls beyond what may be in flight with OVERLOADED and a pause', async () => {
  const listener = await serve({ inFlightMax: 1 });
  const { kv } = client(listener.address);
  const first = kv.put({ key: Buffer.from('hold') });
  await expect.poll(() => listener.inFlight).toBe(1);
  await expect(kv.put({})).rejects.toMatchObject({ reason: 'OVERLOADED', effect: 'none', retryAfterMs: 50 });
  release();
  await first;
  await kv.put({});
});

it('refuses connections beyond the limit with OVERLOADED', async () => {
  const listener = await serve({ connectionsMax: 1 });
  await client(listener.address).kv.put({});
  await expect(client(listener.address).kv.put({})).rejects.toMatchObject({ reason: 'OVERLOADED', effect: 'none' });
});

it('stops an endless stream at the window of a reader that does not read', async () => {
  const { address } = await serve();
  const { kv, transport } = client(address, { streamWindowBytes: 300_000 });
  const controller = new AbortController();
  const scan = kv.scan({}, { signal: controller.signal })[Symbol.asyncIterator]();
  await scan.next();
  await sleep(50);
  await kv.get({});
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(200_000_000);
  controller.abort();
  await expect(
    scan
      .next()
      .then(() => scan.next())
      .then(() => scan.next())
      .then(() => scan.next())
      .then(() => scan.next()),
  ).rejects.toThrow(/aborted/);
  await expect.poll(() => transport.inFlight).toBe(0);
});

it('runs the cleanup of a handler whose caller left in the middle of a long answer', async () => {
  const { address } = await serve();
  const transport = openFabricTransport({ address, limits: { drainTimeoutMs: 50 } });
  const controller = new AbortController();
  const before = cleaned;
  const watch = createClient(KvService, transport).scan({ limit: 1 }, { signal: controller.signal });
  const next = watch[Symbol.asyncIterator]().next();
  setTimeout(() => controller.abort(), 20);
  await next.catch(() => {});
  await expect.poll(() => cleaned).toBeGreaterThan(before);
  await transport.close();
});

it('keeps several streams of long messages apart on one connection', async () => {
  const { address } = await serve();
  const { kv } = client(address);
  const read = async (first: number): Promise<number[]> => {
    const lengths: number[] = [];
    for await (const { key } of kv.scan({ prefix: Buffer.alloc(first) })) {
      lengths.push(key.length);
      if (new Set(key).size !== 1) throw new Error('messages ran into each other');
    }
    return lengths;
  };
  const expected = [1, 2, 3].map((first) => [100_000 * first, 100_001 * first, 100_002 * first, 100_003 * first]);
  expect(await Promise.all([read(1), read(2), read(3)])).toEqual(expected);
});

it('ends when the handler ends, though the caller would go on', async () => {
  const { address } = await serve();
  const { kv } = client(address);
  async function* endless() {
    for (let tag = 0n; ; tag++) {
      yield { tag };
      await sleep(1);
    }
  }
  const tags: bigint[] = [];
  for await (const { tag } of kv.pipeline(endless())) tags.push(tag);
  expect(tags).toEqual([0n, 1n]);
});

it('gives up a peer that fell silent', async () => {
  const { address } = await serve();
  const relay = await rawServer((server) =>
    server.on('connection', (socket) => {
      const [host, port] = address.split(':');
      const onward = connect(Number(port), host);
      socket.on('error', () => {}).on('close', () => onward.destroy());
      onward.on('error', () => {}).on('data', (bytes) => void (socket.bytesWritten === 0 && socket.write(bytes)));
      socket.on('data', (bytes) => onward.write(bytes));
    }),
  );
  const { kv } = client(relay, { keepAliveMs: 40 });
  await expect(kv.put({})).rejects.toMatchObject({ reason: 'FABRIC_UNAVAILABLE', effect: 'unknown' });
});

it('fails calls on a closed transport at once', async () => {
  const { address } = await serve();
  const { kv, transport } = client(address);
  await kv.put({});
  await transport.close();
  await transport.close();
  await expect(kv.put({})).rejects.toMatchObject({ reason: 'FABRIC_UNAVAILABLE', effect: 'none' });
});
