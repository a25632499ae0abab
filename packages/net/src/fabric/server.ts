import { createServer, type Socket } from 'node:net';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { StoreError } from '@ferrite/errors';
import { formatEndpoint, parseEndpoint } from '../address.ts';
import { type Limits, limitsFrom } from '../limits.ts';
import { listenSocket } from '../listen-socket.ts';
import type { Listener } from '../listener.ts';
import { methodName, type Routes, recordRoutes } from '../routes.ts';
import { BatchPool } from './frame-writer.ts';
import type { DirectMethod } from './served-call.ts';
import { ServerConnection, type ServerShared } from './server-connection.ts';

export interface FabricServerOptions {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  readonly routes: Routes;
  /** Unary methods of `routes` that are answered from their bytes, where they can be. */
  readonly direct?: ReadonlyMap<DescMethodUnary, DirectMethod>;
  readonly limits?: Partial<Limits>;
  /** Closes the listener when it fires. */
  readonly signal?: AbortSignal;
  /** Told of everything a handler throws that is no `StoreError`: a bug, or a fault nobody classified. */
  readonly onError?: (error: unknown, method: string) => void;
}

/**
 * Serves `routes` over the fabric protocol (FRAMES.md). Handlers see the context they see over HTTP; `bytes` fields of
 * requests are views of the receive buffer, so what outlives the call is copied by whoever keeps it.
 * Throws `ADDRESS_IN_USE`, `CONFIG_INVALID`.
 */
export async function listenFabric(options: FabricServerOptions): Promise<Listener> {
  const limits = limitsFrom(options.limits);
  const shared: ServerShared = {
    methods: recordRoutes(options.routes).methods,
    direct: new Map([...(options.direct ?? [])].map(([method, answer]) => [methodName(method), answer])),
    limits,
    pool: new BatchPool(),
    onError: options.onError ?? (() => {}),
    inFlight: 0,
  };
  const connections = new Set<ServerConnection>();
  const server = createServer({ noDelay: true }, (socket: Socket) => {
    const connection = new ServerConnection(socket, shared, (closed) => connections.delete(closed));
    if (connections.size >= limits.connectionsMax) {
      return connection.refuseUnheard(new StoreError('OVERLOADED', { message: 'too many connections' }));
    }
    connections.add(connection);
  });
  const endpoint = await listenSocket(server, parseEndpoint(options.address));
  const keepAlive = setInterval(() => {
    for (const connection of connections) connection.link.tick();
  }, limits.keepAliveMs);
  keepAlive.unref();

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.drain();
      const timer = setTimeout(() => {
        for (const connection of connections) connection.link.destroy(new StoreError('SHUTTING_DOWN'));
      }, limits.drainTimeoutMs);
      await stopped;
      clearTimeout(timer);
      clearInterval(keepAlive);
    })();
    return closing;
  };
  options.signal?.addEventListener('abort', () => void close(), { once: true });
  if (options.signal?.aborted === true) await close();
  return {
    endpoint,
    address: formatEndpoint(endpoint),
    get connections() {
      return connections.size;
    },
    get inFlight() {
      return shared.inFlight;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
