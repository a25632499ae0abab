import { createServer as createHttp1Server, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import { ConnectError, createConnectRouter, type Interceptor } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { StoreError } from '@ferrite/errors';
import { Health } from '@ferrite/proto/health';
import { type Endpoint, formatEndpoint, parseEndpoint } from '../address.ts';
import { asConnectError, storeErrorInterceptor } from '../connect-error.ts';
import { type Limits, limitsFrom } from '../limits.ts';
import { listenSocket } from '../listen-socket.ts';
import type { Listener } from '../listener.ts';
import { type Routes, recordRoutes } from '../routes.ts';
import { handlersByPath, refuseForeign, withErrorDetail } from './adapter.ts';
import { type CorsOrigins, corsHeaders, PREFLIGHT_HEADERS } from './cors.ts';
import { type HealthHook, healthRoutes } from './health.ts';
import { mismatch, type PlainAnswer, type PlainHandler, type PlainRoutes } from './plain.ts';
import { reflectionRoutes } from './reflection.ts';
import { sniff } from './sniff.ts';

export interface HttpServerOptions {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  readonly routes: Routes;
  readonly limits?: Partial<Limits>;
  /** Closes the listener when it fires. */
  readonly signal?: AbortSignal;
  /** Plain answers beside the calls, by exact path. */
  readonly plain?: PlainRoutes;
  /** What `grpc.health.v1` says; by default every registered service is serving. */
  readonly health?: HealthHook;
  /** Browser origins that may call; none by default. */
  readonly cors?: CorsOrigins;
  readonly interceptors?: readonly Interceptor[];
  /** Told of everything a handler throws that is no `StoreError`: a bug, or a fault nobody classified. */
  readonly onError?: (error: unknown, method: string) => void;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/**
 * Serves `routes` as Connect, gRPC and gRPC-web over HTTP/1.1 and HTTP/2 in clear on one port, uncompressed, together with
 * gRPC health and server reflection. Throws `ADDRESS_IN_USE`, `CONFIG_INVALID`.
 */
export async function listenHttp(options: HttpServerOptions): Promise<Listener> {
  const server = new HttpListener(options);
  await server.listen();
  options.signal?.addEventListener('abort', () => void server.close(), { once: true });
  if (options.signal?.aborted === true) await server.close();
  return server;
}

class HttpListener implements Listener {
  endpoint: Endpoint;
  readonly #options: HttpServerOptions;
  readonly #limits: Limits;
  readonly #handlers: ReadonlyMap<string, UniversalHandler>;
  readonly #http1: Server;
  readonly #http2: Http2Server;
  readonly #server: TcpServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #shutdown = new AbortController();
  #inFlight = 0;
  #closing: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#limits = limitsFrom(options.limits);
    this.endpoint = parseEndpoint(options.address);
    this.#handlers = this.#route(options);
    const handle = (request: Request, response: Response): void => void this.#handle(request, response);
    this.#http1 = createHttp1(this.#limits, handle);
    this.#http2 = createHttp2(this.#limits, handle, this.#sessions);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  get address(): string {
    return formatEndpoint(this.endpoint);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  async listen(): Promise<void> {
    this.endpoint = await listenSocket(this.#server, this.endpoint);
    // The HTTP/1.1 server gets its sockets from us; this starts its watch over slow requests.
    this.#http1.emit('listening');
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    this.#http1.closeIdleConnections();
    const patience = setTimeout(() => {
      this.#shutdown.abort(asConnectError(new StoreError('SHUTTING_DOWN')));
      for (const socket of this.#sockets) socket.destroy();
    }, this.#limits.drainTimeoutMs);
    const sweep = setInterval(() => {
      this.#http1.closeIdleConnections();
      if (this.#inFlight === 0) for (const socket of this.#sockets) socket.destroySoon();
    }, 20);
    await stopped;
    clearTimeout(patience);
    clearInterval(sweep);
    this.#http1.close();
  }

  #route(options: HttpServerOptions): ReadonlyMap<string, UniversalHandler> {
    const { services } = recordRoutes(options.routes);
    const names = new Set(['', ...services.map(({ typeName }) => typeName)]);
    const router = createConnectRouter({
      acceptCompression: [],
      // Counts are always present in JSON, a zero included.
      jsonOptions: { alwaysEmitImplicit: true },
      readMaxBytes: this.#limits.messageBytesMax,
      writeMaxBytes: this.#limits.messageBytesMax,
      shutdownSignal: this.#shutdown.signal,
      interceptors: [storeErrorInterceptor, ...(options.interceptors ?? []), this.#reporting],
      requestGate: () => this.#gate(),
    });
    options.routes(router);
    healthRoutes(router, options.health ?? ((service) => (names.has(service) ? 'serving' : undefined)));
    reflectionRoutes(router, [...services, Health]);
    return handlersByPath(router);
  }

  /** Innermost: sees what handlers really threw. */
  readonly #reporting: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      if (!StoreError.is(error) && !(error instanceof ConnectError) && !request.signal.aborted) {
        this.#options.onError?.(error, `${request.service.typeName}/${request.method.name}`);
      }
      throw error;
    }
  };

  #gate(): void {
    if (this.#inFlight <= this.#limits.inFlightMax) return;
    throw asConnectError(new StoreError('OVERLOADED', { message: 'too many calls are in flight', retryAfterMs: 50 }));
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= this.#limits.connectionsMax) {
      socket.on('error', () => {});
      socket.end(rawAnswer(503, new StoreError('OVERLOADED', { message: 'too many connections' }).message));
      socket.destroySoon();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    sniff(socket, this.#limits.headersTimeoutMs, (version) => {
      const server = version === 2 ? this.#http2 : this.#http1;
      server.emit('connection', socket);
    });
  }

  async #handle(request: Request, response: Response): Promise<void> {
    this.#inFlight += 1;
    response.once('close', () => {
      this.#inFlight -= 1;
    });
    response.on('error', () => {});
    const path = request.url?.split('?', 1)[0] ?? '';
    const method = request.method ?? '';
    const cross =
      this.#options.cors === undefined ? undefined : corsHeaders(this.#options.cors, request.headers.origin);
    for (const [name, value] of Object.entries(cross ?? {})) response.setHeader(name, value);
    if (this.#closing !== undefined && request.httpVersionMajor === 1) response.setHeader('connection', 'close');
    try {
      const handler = this.#handlers.get(path);
      if (cross !== undefined && method === 'OPTIONS') {
        respond(response, { status: 204, body: '' }, PREFLIGHT_HEADERS);
      } else if (handler === undefined) {
        respond(response, await this.#plain(path, method));
      } else {
        await this.#call(handler, request, response, method);
      }
    } catch (error) {
      this.#options.onError?.(error, path);
      if (response.headersSent) response.destroy();
      else respond(response, { status: 500, body: `${StoreError.from(error).message}\n` });
    }
  }

  async #plain(path: string, method: string): Promise<PlainAnswer> {
    const plain = this.#options.plain;
    if (plain === undefined || !Object.hasOwn(plain, path)) {
      return mismatch(404, `there is nothing at ${JSON.stringify(path.slice(0, 200))}`);
    }
    if (method !== 'GET' && method !== 'HEAD') return mismatch(405, `${method} is not known at ${path}`);
    return (plain[path] as PlainHandler)();
  }

  async #call(handler: UniversalHandler, request: Request, response: Response, method: string): Promise<void> {
    const refusal = refuseForeign(handler, method, request.headers['content-type'] ?? '');
    if (refusal !== undefined) {
      request.resume();
      return respond(response, refusal);
    }
    const call = universalRequestFromNodeRequest(request, response, undefined, undefined);
    const answer = await withErrorDetail(await handler(call));
    // A caller that went away is no fault of ours.
    await universalResponseToNodeResponse(answer, response).catch((error: unknown) => {
      if (!call.signal.aborted && !response.destroyed) throw error;
    });
  }
}

function respond(response: Response, answer: PlainAnswer, headers: Readonly<Record<string, string>> = {}): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = answer.status;
  if (answer.status !== 204) {
    response.setHeader('content-type', answer.contentType ?? 'text/plain; charset=utf-8');
    response.setHeader('content-length', Buffer.byteLength(answer.body));
  }
  (response as ServerResponse).end(answer.body);
}

function createHttp1(limits: Limits, handle: (request: Request, response: Response) => void): Server {
  const server = createHttp1Server(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 1000,
      noDelay: true,
    },
    handle,
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return socket.destroy();
    const overflow = error.code === 'HPE_HEADER_OVERFLOW';
    const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    const detail = overflow ? 'the headers are too large' : slow ? 'the request came too slowly' : 'that is no HTTP';
    socket.end(rawAnswer(overflow ? 431 : slow ? 408 : 400, mismatch(400, detail).body.toString()));
    return undefined;
  });
  return server;
}

function createHttp2(
  limits: Limits,
  handle: (request: Request, response: Response) => void,
  sessions: Set<ServerHttp2Session>,
): Http2Server {
  const server = createHttp2Server(
    {
      settings: {
        maxConcurrentStreams: limits.streamsPerConnectionMax,
        maxHeaderListSize: limits.headerBytesMax,
        initialWindowSize: HTTP2_STREAM_WINDOW_BYTES,
      },
      maxSessionMemory: Math.ceil(limits.bufferedBytesMax / 2 ** 20),
    },
    handle,
  );
  server.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(HTTP2_SESSION_WINDOW_BYTES);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  return server;
}

const HTTP2_STREAM_WINDOW_BYTES = 1024 * 1024;
const HTTP2_SESSION_WINDOW_BYTES = 8 * 1024 * 1024;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};

/** A whole HTTP/1.1 answer, for sockets that no server object owns. */
function rawAnswer(status: number, text: string): string {
  const body = text.endsWith('\n') ? text : `${text}\n`;
  return (
    `HTTP/1.1 ${status} ${STATUS_TEXT[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}
