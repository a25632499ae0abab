import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { type Client, createClient, type HandlerContext } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import {
  type FabricTransport,
  type HttpTransport,
  type Listener,
  listenFabric,
  listenHttp,
  openFabricTransport,
  openHttpTransport,
  type Routes,
} from '@ferrite/net';
import { GetResponseSchema, KvService } from '@ferrite/proto/kv';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const seen = { aborted: 0 };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** A service whose answers say what it was asked. */
const routes: Routes = (router) =>
  router.service(KvService, {
    get: (request) => create(GetResponseSchema, { siblings: [{ value: request.key }], context: request.atLeast }),
    async put(request, context) {
      switch (text(request.key)) {
        case 'refuse':
          throw new StoreError('QUORUM_UNAVAILABLE', {
            effect: 'unknown',
            message: 'one of three answered',
            retryAfterMs: 250,
            details: { needed: '2' },
          });
        case 'bug':
          throw new TypeError('a secret detail');
        case 'slow':
          await untilAborted(context);
          return {};
        case 'timeout':
          return { ackedReplicas: Math.round(context.timeoutMs() ?? 0) };
        case 'header':
          context.responseHeader.set('x-answer', context.requestHeader.get('x-question') ?? 'none');
          context.responseTrailer.set('x-last', 'bye');
          return {};
        default:
          return { context: request.value, ackedReplicas: 1 };
      }
    },
    async *scan({ limit, prefix }, context) {
      for (let index = 0; index < limit; index++) {
        if (context.signal.aborted) {
          seen.aborted += 1;
          return;
        }
        if (text(prefix) === 'break' && index === 2) throw new StoreError('TOPOLOGY_STALE');
        yield { key: Buffer.from(String(index)), siblings: [{ value: prefix }] };
      }
    },
    async *pipeline(requests) {
      for await (const { tag } of requests) yield { tag: tag * 2n };
    },
    async *watch(_, context) {
      yield {};
      await untilAborted(context).finally(() => {
        seen.aborted += 1;
      });
    },
  });

function untilAborted({ signal }: HandlerContext): Promise<void> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

type Opened = HttpTransport | FabricTransport;
const kinds: readonly {
  readonly name: string;
  readonly bidi: boolean;
  readonly open: (http: string, fabric: string) => Opened;
}[] = [
  {
    name: 'Connect over HTTP/1.1',
    bidi: false,
    open: (http) => openHttpTransport({ baseUrl: http, httpVersion: '1.1' }),
  },
  { name: 'Connect over HTTP/2', bidi: true, open: (http) => openHttpTransport({ baseUrl: http }) },
  { name: 'Connect with JSON', bidi: true, open: (http) => openHttpTransport({ baseUrl: http, json: true }) },
  { name: 'gRPC', bidi: true, open: (http) => openHttpTransport({ baseUrl: http, protocol: 'grpc' }) },
  { name: 'gRPC-web', bidi: true, open: (http) => openHttpTransport({ baseUrl: http, protocol: 'grpc-web' }) },
  { name: 'fabric', bidi: true, open: (_, fabric) => openFabricTransport({ address: fabric }) },
];

describe.each(kinds)('over $name', ({ bidi, open }) => {
  let http: Listener;
  let fabric: Listener;
  let transport: Opened;
  let kv: Client<typeof KvService>;

  beforeAll(async () => {
    const options = { address: '127.0.0.1:0', routes, limits: { drainTimeoutMs: 500 } };
    http = await listenHttp(options);
    fabric = await listenFabric(options);
    transport = open(`http://${http.address}`, fabric.address);
    kv = createClient(KvService, transport);
  });

  afterAll(async () => {
    await transport.close();
    await http.close();
    await fabric.close();
  });

  it('answers a call', async () => {
    const answer = await kv.get({ key: Buffer.from('k'), atLeast: Buffer.from('c') });
    expect(text(answer.siblings[0]?.value ?? Buffer.alloc(0))).toBe('k');
    expect(text(answer.context)).toBe('c');
  });

  it('carries empty and large messages whole', async () => {
    expect((await kv.put({})).ackedReplicas).toBe(1);
    const value = Buffer.alloc(3_000_001, 7);
    expect(Buffer.compare((await kv.put({ value })).context, value)).toBe(0);
  });

  it('keeps many calls apart', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => kv.put({ value: Buffer.alloc(index * 40, index) })),
    );
    expect(answers.map(({ context }) => context.length)).toEqual(answers.map((_, index) => index * 40));
  });

  it('gives the StoreError that the handler threw', async () => {
    const error = await failure(kv.put({ key: Buffer.from('refuse') }));
    expect(error).toMatchObject({
      reason: 'QUORUM_UNAVAILABLE',
      kind: 'unavailable',
      effect: 'unknown',
      retry: 'later',
      retryAfterMs: 250,
      details: { needed: '2' },
    });
    expect(error.message).toMatch(/^QUORUM_UNAVAILABLE: one of three answered\./);
  });

  it('calls a handler that breaks INTERNAL, and stays up', async () => {
    const error = await failure(kv.put({ key: Buffer.from('bug') }));
    expect(error).toMatchObject({ reason: 'INTERNAL', effect: 'unknown' });
    expect((await kv.put({})).ackedReplicas).toBe(1);
  });

  it('says UNIMPLEMENTED for what is not served', async () => {
    expect(await failure(kv.batch({}))).toMatchObject({ reason: 'UNIMPLEMENTED', effect: 'none' });
  });

  it('gives the handler the deadline of the caller', async () => {
    const { ackedReplicas } = await kv.put({ key: Buffer.from('timeout') }, { timeoutMs: 5000 });
    expect(ackedReplicas).toBeGreaterThan(3000);
    expect(ackedReplicas).toBeLessThanOrEqual(5000);
  });

  it('ends a call at its deadline', async () => {
    const start = performance.now();
    const error = await failure(kv.put({ key: Buffer.from('slow') }, { timeoutMs: 100 }));
    expect(error).toMatchObject({ reason: 'DEADLINE_EXCEEDED', effect: 'unknown' });
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('rejects a cancelled call with the reason of its signal', async () => {
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    setTimeout(() => controller.abort(reason), 30);
    await expect(kv.put({ key: Buffer.from('slow') }, { signal: controller.signal })).rejects.toBe(reason);
    await expect(kv.put({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('carries headers and trailers', async () => {
    const got: string[] = [];
    await kv.put(
      { key: Buffer.from('header') },
      {
        headers: { 'x-question': 'who' },
        onHeader: (headers) => got.push(headers.get('x-answer') ?? ''),
        onTrailer: (headers) => got.push(headers.get('x-last') ?? ''),
      },
    );
    expect(got).toEqual(['who', 'bye']);
  });

  it('streams answers in order, slow reader or not', async () => {
    let next = 0;
    for await (const { key, siblings } of kv.scan({ limit: 300, prefix: Buffer.alloc(20_000) })) {
      expect(text(key)).toBe(String(next));
      expect(siblings[0]?.value.length).toBe(20_000);
      if (next++ % 100 === 0) await sleep(20);
    }
    expect(next).toBe(300);
  });

  it('passes an error in the middle of a stream on after what came before', async () => {
    const keys: string[] = [];
    const scan = async (): Promise<void> => {
      for await (const { key } of kv.scan({ limit: 5, prefix: Buffer.from('break') })) keys.push(text(key));
    };
    expect(await failure(scan())).toMatchObject({ reason: 'TOPOLOGY_STALE', retry: 'elsewhere' });
    expect(keys).toEqual(['0', '1']);
  });

  it('gives up an endless stream when the caller aborts', async () => {
    const controller = new AbortController();
    const before = seen.aborted;
    const reason = new Error('seen enough');
    const read = async (): Promise<void> => {
      for await (const _ of kv.watch({}, { signal: controller.signal })) controller.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    await expect.poll(() => seen.aborted).toBeGreaterThan(before);
  });

  it('streams in both directions at once, where HTTP/2 or the fabric carries it', async () => {
    async function* tags() {
      for (let tag = 0n; tag < 500n; tag++) yield { tag };
    }
    const read = async (): Promise<bigint[]> => {
      const got: bigint[] = [];
      for await (const { tag } of kv.pipeline(tags())) got.push(tag);
      return got;
    };
    const outcome = await read().catch((error: StoreError) => error.effect);
    expect(outcome).toEqual(bidi ? Array.from({ length: 500 }, (_, index) => BigInt(index) * 2n) : 'unknown');
  });
});

async function failure(promise: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await promise.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw error;
  return error;
}
