import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { errorFromJsonBytes, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { asConnectError } from '../connect-error.ts';
import { mismatch, type PlainAnswer } from './plain.ts';

/** Calls by request path, as `/package.Service/Method`. */
export function handlersByPath(router: ConnectRouter): ReadonlyMap<string, UniversalHandler> {
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

/** The plain answer to a request that is no call of `handler`, if so. */
export function refuseForeign(handler: UniversalHandler, method: string, contentType: string): PlainAnswer | undefined {
  if (!handler.allowedMethods.includes(method)) return mismatch(405, `${method} is not a way to call a method`);
  if (method !== 'POST' || handler.supportedContentType(contentType)) return undefined;
  return mismatch(415, contentType === '' ? 'there is no content-type' : `content-type ${contentType} is not known`);
}

/**
 * The same answer with `ErrorDetail` in it. Failures of handlers have it already; those of the framework itself (a body
 * that cannot be parsed, a message beyond the limit) do not.
 */
export async function withErrorDetail(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (response.status >= 400 && response.header?.get('content-type') === 'application/json') {
    return withJsonDetail(response);
  }
  const { body, trailer } = response;
  if (trailer === undefined) return response;
  if (body === undefined) completeTrailer(trailer);
  return body === undefined ? response : { ...response, body: completing(body, trailer) };
}

async function withJsonDetail(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const parts: Uint8Array[] = [];
  for await (const part of response.body ?? []) parts.push(part);
  const bytes = Buffer.concat(parts);
  const error = errorFromJsonBytes(bytes, undefined, new ConnectError('no error body', Code.Internal));
  if (error.details.length > 0) return { ...response, body: once(bytes) };
  const complete = errorToJsonBytes(asConnectError(error), undefined);
  const header = new Headers(response.header);
  if (header.has('content-length')) header.set('content-length', String(complete.length));
  return { ...response, header, body: once(complete) };
}

async function* completing(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncIterable<Uint8Array> {
  yield* body;
  completeTrailer(trailer);
}

function completeTrailer(trailer: Headers): void {
  const error = findTrailerError(trailer);
  if (error !== undefined && error.details.length === 0) setTrailerStatus(trailer, asConnectError(error));
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
