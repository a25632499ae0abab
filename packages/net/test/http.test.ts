import { request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { type HttpServerOptions, type Listener, listenHttp, openHttpTransport } from '@ferrite/net';
import { Health, HealthCheckResponse_ServingStatus } from '@ferrite/proto/health';
import { KvService } from '@ferrite/proto/kv';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '@ferrite/proto/reflection';
import { afterEach, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

let release: () => void = () => {};

async function serve(options: Partial<HttpServerOptions> = {}): Promise<Listener> {
  const listener = await listenHttp({
    address: '127.0.0.1:0',
    ...options,
    limits: { drainTimeoutMs: 300, ...options.limits },
    routes: (router) =>
      router.service(KvService, {
        get: ({ key }) => ({ context: key }),
        async put({ key }) {
          if (key.length === 0) throw new StoreError('KEY_EMPTY');
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          return { ackedReplicas: 2 };
        },
      }),
  });
  open.push(() => listener.close());
  return listener;
}

const GET = '/ferrite.kv.v1.KvService/Get';
const PUT = '/ferrite.kv.v1.KvService/Put';
const JSON_TYPE = { 'content-type': 'application/json' };

function post(
  listener: Listener,
  path: string,
  body: string,
  headers: Record<string, string> = JSON_TYPE,
): Promise<Response> {
  return fetch(`http://${listener.address}${path}`, { method: 'POST', body, headers });
}

function session(listener: Listener): ClientHttp2Session {
  const client = connectHttp2(`http://${listener.address}`);
  client.on('error', () => {});
  open.push(() => client.destroy());
  return client;
}

/** Sends raw bytes and gives what comes back until the server closes. */
async function talk(listener: Listener, ...pieces: (string | number)[]): Promise<string> {
  const [host, port] = listener.address.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => {});
  void (async () => {
    for (const piece of pieces) {
      if (typeof piece === 'number') await sleep(piece);
      else if (socket.writable) socket.write(piece);
    }
  })();
  let text = '';
  for await (const part of socket) text += String(part);
  return text;
}

describe('one port', () => {
  it('answers JSON by plain POST, over HTTP/1.1 as over HTTP/2', async () => {
    const listener = await serve();
    const answer = await post(listener, GET, '{"key":"aGVsbG8="}');
    // Fields without presence are there even when they hold their default.
    const expected = { siblings: [], context: 'aGVsbG8=', moreSiblings: false };
    expect([answer.status, await answer.json()]).toEqual([200, expected]);
    const stream = session(listener).request({ ':method': 'POST', ':path': GET, ...JSON_TYPE });
    stream.end('{"key":"aGVsbG8="}');
    let body = '';
    for await (const part of stream) body += String(part);
    expect(JSON.parse(body)).toEqual(expected);
  });

  it('answers side-effect-free calls by GET', async () => {
    const { address } = await serve();
    const answer = await fetch(
      `http://${address}${GET}?encoding=json&connect=v1&message=${encodeURIComponent('{"key":"aGk="}')}`,
    );
    expect(await answer.json()).toMatchObject({ context: 'aGk=' });
  });

  it('tells HTTP/2 apart even if its preface comes a byte at a time', async () => {
    const listener = await serve();
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    const [host, port] = listener.address.split(':');
    const socket = connect(Number(port), host);
    open.push(() => socket.destroy());
    for (const byte of preface) {
      socket.write(byte);
      await sleep(1);
    }
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(first[3]).toBe(4);
  });

  it('serves plain paths beside the calls', async () => {
    const listener = await serve({
      plain: {
        '/healthz': () => ({ status: 200, body: 'ok\n' }),
        '/metrics': async () => ({ status: 200, contentType: 'text/x-metrics', body: Buffer.from('up 1\n') }),
        '/broken': () => {
          throw new Error('no');
        },
      },
    });
    const url = `http://${listener.address}`;
    expect(await (await fetch(`${url}/healthz?x=1`)).text()).toBe('ok\n');
    const metrics = await fetch(`${url}/metrics`);
    expect([metrics.headers.get('content-type'), await metrics.text()]).toEqual(['text/x-metrics', 'up 1\n']);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/broken`)).status).toBe(500);
    expect((await fetch(`${url}/constructor`)).status).toBe(404);
  });
});

describe('what is no call', () => {
  it.each([
    ['an unknown path', '/nothing', JSON_TYPE, 404],
    ['an unknown method', '/ferrite.kv.v1.KvService/Nothing', JSON_TYPE, 404],
    ['an unknown content type', GET, { 'content-type': 'text/html' }, 415],
  ])('%s gets a plain answer that says what the port speaks', async (_, path, headers, status) => {
    const answer = await post(await serve(), path, '{}', headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await answer.text()).toMatch(/^PROTOCOL_MISMATCH: .*this port speaks Connect, gRPC and gRPC-web/);
  });

  it('bytes that are no HTTP get 400 and the same words', async () => {
    const answer = await talk(await serve(), 'NONSENSE\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/PROTOCOL_MISMATCH: that is no HTTP/);
  });
});

describe('errors', () => {
  it('carry ErrorDetail and a message that starts with the reason', async () => {
    const answer = await post(await serve(), PUT, '{}');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/^KEY_EMPTY: /),
      details: [
        { type: 'ferrite.errors.v1.ErrorDetail', debug: { reason: 'KEY_EMPTY', effect: 'none', retry: 'never' } },
      ],
    });
  });

  it('do so even when the framework refuses the request', async () => {
    const listener = await serve({ limits: { messageBytesMax: 1000 } });
    const broken = await (await post(listener, GET, '{"key":')).json();
    expect(broken).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/^ARGUMENT_INVALID: /) });
    const large = await (await post(listener, GET, JSON.stringify({ key: 'A'.repeat(4000) }))).json();
    expect(large).toMatchObject({ code: 'resource_exhausted', message: expect.stringMatching(/^MESSAGE_TOO_LARGE: /) });
    const grpc = openHttpTransport({ baseUrl: `http://${listener.address}`, protocol: 'grpc' });
    open.push(() => grpc.close());
    await expect(createClient(KvService, grpc).get({ key: Buffer.alloc(4000) })).rejects.toMatchObject({
      reason: 'MESSAGE_TOO_LARGE',
      effect: 'none',
    });
  });

  it('name the address when nobody listens', async () => {
    const listener = await serve();
    await listener.close();
    const transport = openHttpTransport({ baseUrl: `http://${listener.address}` });
    open.push(() => transport.close());
    await expect(createClient(KvService, transport).put({})).rejects.toMatchObject({
      reason: 'FABRIC_UNAVAILABLE',
      effect: 'none',
    });
    expect(() => openHttpTransport({ baseUrl: 'nonsense' })).toThrow(/CONFIG_INVALID/);
  });
});

describe('browsers', () => {
  it('of an allowed origin may ask and read', async () => {
    const listener = await serve({ cors: ['http://console'] });
    const preflight = await fetch(`http://${listener.address}${GET}`, {
      method: 'OPTIONS',
      headers: { origin: 'http://console', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Connect-Protocol-Version');
    const answer = await post(listener, GET, '{}', { ...JSON_TYPE, origin: 'http://console' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://console');
    expect(answer.status).toBe(200);
  });

  it('of another origin get no permission', async () => {
    const listener = await serve({ cors: ['http://console'] });
    const answer = await post(listener, GET, '{}', { ...JSON_TYPE, origin: 'http://evil' });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('gRPC services', () => {
  it('reports health by name', async () => {
    let ready: 'serving' | 'not_serving' = 'serving';
    const listener = await serve({ health: (service) => (service === '' ? ready : undefined) });
    const transport = openHttpTransport({ baseUrl: `http://${listener.address}`, protocol: 'grpc' });
    open.push(() => transport.close());
    const health = createClient(Health, transport);
    expect((await health.check({})).status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    await expect(health.check({ service: 'other' })).rejects.toThrow(/unknown service/);
    const seen: HealthCheckResponse_ServingStatus[] = [];
    for await (const { status } of health.watch({}, { timeoutMs: 5000 })) {
      seen.push(status);
      ready = 'not_serving';
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([HealthCheckResponse_ServingStatus.SERVING, HealthCheckResponse_ServingStatus.NOT_SERVING]);
  });

  /** Reflection as a client knows it that has no generated code: bytes on an HTTP/2 stream. */
  async function reflect(listener: Listener, version: string, ...requests: object[]) {
    const stream = session(listener).request({
      ':method': 'POST',
      ':path': `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    for (const messageRequest of requests) {
      const message = toBinary(ServerReflectionRequestSchema, {
        $typeName: 'grpc.reflection.v1.ServerReflectionRequest',
        host: 'h',
        messageRequest,
      } as never);
      const envelope = Buffer.alloc(5);
      envelope.writeUInt32BE(message.length, 1);
      stream.write(Buffer.concat([envelope, message]));
    }
    stream.end();
    const trailers = new Promise<Record<string, unknown>>((resolve) => stream.once('trailers', resolve));
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const answers: ReturnType<typeof fromBinary<typeof ServerReflectionResponseSchema>>['messageResponse'][] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      answers.push(fromBinary(ServerReflectionResponseSchema, bytes.subarray(at + 5, end)).messageResponse);
      at = end;
    }
    return { status: (await trailers)['grpc-status'], answers };
  }

  it.each(['v1', 'v1alpha'])('describes itself by reflection %s', async (version) => {
    const { status, answers } = await reflect(
      await serve(),
      version,
      { case: 'listServices', value: '' },
      { case: 'fileContainingSymbol', value: 'ferrite.kv.v1.KvService.Put' },
      { case: 'fileByFilename', value: 'google/protobuf/duration.proto' },
      { case: 'fileContainingSymbol', value: 'no.such.Thing' },
      { case: 'allExtensionNumbersOfType', value: 'ferrite.kv.v1.GetRequest' },
    );
    expect(status).toBe('0');
    const [services, file, again, missing, extensions] = answers;
    expect(services?.value).toMatchObject({
      service: expect.arrayContaining(
        ['ferrite.kv.v1.KvService', 'grpc.health.v1.Health', ServerReflection.typeName].map((name) =>
          expect.objectContaining({ name }),
        ),
      ),
    });
    const names = (answer: typeof file): string[] =>
      answer?.case === 'fileDescriptorResponse'
        ? answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
        : [];
    expect(names(file)).toContain('ferrite/kv/v1/kv_service.proto');
    expect(names(file)).toContain('google/protobuf/duration.proto');
    expect(names(again)).toEqual(['google/protobuf/duration.proto']);
    expect(missing).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
    expect(extensions).toMatchObject({ case: 'allExtensionNumbersResponse', value: { extensionNumber: [] } });
  });
});

describe('limits', () => {
  it('sheds a client whose headers never end, while others are served', async () => {
    const listener = await serve({ limits: { headersTimeoutMs: 300 } });
    const slow = talk(listener, 'POST / HTTP/1.1\r\nhost: x\r\n', 'a: b\r\n', 200, 'a: b\r\n', 200, 'a: b\r\n');
    const silent = talk(listener);
    expect((await post(listener, GET, '{}')).status).toBe(200);
    expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
    expect(await silent).toBe('');
  });

  it('refuses headers beyond the limit', async () => {
    const listener = await serve({ limits: { headerBytesMax: 4096 } });
    expect(await talk(listener, `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(5000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  it('refuses connections beyond the limit with OVERLOADED', async () => {
    const listener = await serve({ limits: { connectionsMax: 1 } });
    const kept = session(listener);
    await new Promise((resolve) => kept.once('remoteSettings', resolve));
    expect(await talk(listener, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 503 [^]*OVERLOADED: too many connections/,
    );
  });

  it('announces how many streams one connection may have', async () => {
    const kept = session(await serve({ limits: { streamsPerConnectionMax: 7 } }));
    const settings = await new Promise((resolve) => kept.once('remoteSettings', resolve));
    expect(settings).toMatchObject({ maxConcurrentStreams: 7 });
  });

  it('sheds calls beyond what may be in flight', async () => {
    const listener = await serve({ limits: { inFlightMax: 1 } });
    const first = post(listener, PUT, '{"key":"aGk="}');
    await expect.poll(() => listener.inFlight).toBe(1);
    expect(await (await post(listener, GET, '{}')).json()).toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringMatching(/^OVERLOADED: /),
    });
    release();
    expect((await first).status).toBe(200);
  });
});

describe('closing', () => {
  it.each(['1.1', '2'] as const)(
    'answers what is in flight over HTTP/%s first, and takes nothing new',
    async (httpVersion) => {
      const listener = await serve({ limits: { drainTimeoutMs: 5000 } });
      const transport = openHttpTransport({ baseUrl: `http://${listener.address}`, httpVersion });
      open.push(() => transport.close());
      const put = createClient(KvService, transport).put({ key: Buffer.from('k') });
      await expect.poll(() => listener.inFlight).toBe(1);
      const closed = listener.close();
      await sleep(30);
      await expect(post(listener, GET, '{}')).rejects.toThrow(/fetch failed/);
      release();
      expect((await put).ackedReplicas).toBe(2);
      await closed;
      await expect.poll(() => listener.connections).toBe(0);
    },
  );

  it('ends what does not finish in time', async () => {
    const listener = await serve({ limits: { drainTimeoutMs: 60 } });
    const put = post(listener, PUT, '{"key":"aGk="}').catch((error: unknown) => error);
    await expect.poll(() => listener.inFlight).toBe(1);
    const start = performance.now();
    await listener.close();
    expect(performance.now() - start).toBeLessThan(2000);
    await put;
  });

  it('does not wait for idle keep-alive connections', async () => {
    const listener = await serve({ limits: { drainTimeoutMs: 10_000 } });
    await new Promise((resolve) => {
      const [hostname, port] = listener.address.split(':');
      const request = httpRequest({ hostname, port, path: '/', headers: { connection: 'keep-alive' } }, (answer) =>
        answer.resume().on('end', resolve),
      );
      request.on('error', () => {}).end();
    });
    const idle = session(listener);
    await new Promise((resolve) => idle.once('remoteSettings', resolve));
    const goaway = new Promise((resolve) => idle.once('goaway', resolve));
    const start = performance.now();
    await listener.close();
    expect(performance.now() - start).toBeLessThan(3000);
    expect(await goaway).toBe(constants.NGHTTP2_NO_ERROR);
  });
});
