import { Agent } from 'node:http';
import type { DescMessage } from '@bufbuild/protobuf';
import type { Interceptor, StreamResponse, Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { StoreError } from '@ferrite/errors';
import { fromConnectError } from '../connect-error.ts';
import { type Limits, limitsFrom } from '../limits.ts';

export interface HttpTransportOptions {
  /** `http://host:port`. */
  readonly baseUrl: string;
  /** `connect` by default. */
  readonly protocol?: 'connect' | 'grpc' | 'grpc-web';
  /** `2` by default, over one connection; `1.1` keeps a pool of them. gRPC needs 2. */
  readonly httpVersion?: '1.1' | '2';
  /** Messages as JSON instead of protobuf. */
  readonly json?: boolean;
  readonly interceptors?: readonly Interceptor[];
  readonly limits?: Partial<Limits>;
}

/** A {@link Transport} over HTTP that can be closed. */
export interface HttpTransport extends Transport, AsyncDisposable {
  close(): Promise<void>;
}

/**
 * A client of an RPC port, uncompressed. Calls reject with `StoreError`, as those of the fabric do, and with the
 * signal's reason when aborted. Throws `CONFIG_INVALID` if `baseUrl` is none.
 */
export function openHttpTransport(options: HttpTransportOptions): HttpTransport {
  const baseUrl = checkedUrl(options.baseUrl);
  const { messageBytesMax } = limitsFrom(options.limits);
  const agent = new Agent({ keepAlive: true });
  const sessionManager = new Http2SessionManager(baseUrl);
  const common = {
    baseUrl,
    acceptCompression: [],
    useBinaryFormat: options.json !== true,
    interceptors: [...(options.interceptors ?? [])],
    readMaxBytes: messageBytesMax,
    writeMaxBytes: messageBytesMax,
  };
  const http =
    options.httpVersion === '1.1'
      ? { httpVersion: '1.1' as const, nodeOptions: { agent } }
      : { httpVersion: '2' as const, sessionManager };
  const transport =
    options.protocol === 'grpc'
      ? createGrpcTransport({ ...common, sessionManager })
      : options.protocol === 'grpc-web'
        ? createGrpcWebTransport({ ...common, ...http })
        : createConnectTransport({ ...common, ...http });
  const close = async (): Promise<void> => {
    agent.destroy();
    sessionManager.abort();
  };
  return { ...withStoreErrors(transport), close, [Symbol.asyncDispose]: close };
}

/** The same transport, with every failure as `StoreError` or as the reason of the caller's signal. */
function withStoreErrors(transport: Transport): Transport {
  const storeError = (error: unknown, signal: AbortSignal | undefined): unknown =>
    signal?.aborted === true ? signal.reason : fromConnectError(error);
  return {
    async unary(method, signal, ...rest) {
      try {
        return await transport.unary(method, signal, ...rest);
      } catch (error) {
        throw storeError(error, signal);
      }
    },
    async stream(method, signal, ...rest) {
      try {
        const response = await transport.stream(method, signal, ...rest);
        return { ...response, message: mapped(response, (error) => storeError(error, signal)) };
      } catch (error) {
        throw storeError(error, signal);
      }
    },
  };
}

async function* mapped<I extends DescMessage, O extends DescMessage>(
  response: StreamResponse<I, O>,
  map: (error: unknown) => unknown,
): StreamResponse<I, O>['message'] {
  try {
    yield* response.message;
  } catch (error) {
    throw map(error);
  }
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && url.host !== '') return text.replace(/\/+$/, '');
  throw new StoreError('CONFIG_INVALID', { message: `"${text}" is no http:// URL` });
}
