import { StoreError } from '@ferrite/errors';

/** A plain HTTP answer, for `/healthz`, `/metrics` and the like. */
export interface PlainAnswer {
  readonly status: number;
  /** `text/plain; charset=utf-8` unless said otherwise. */
  readonly contentType?: string;
  readonly body: string | Uint8Array;
}

/** Answers GET and HEAD of one exact path. */
export type PlainHandler = () => PlainAnswer | Promise<PlainAnswer>;

/** Exact paths, such as `/healthz`. */
export type PlainRoutes = Readonly<Record<string, PlainHandler>>;

/** What the port says to a request that is no call: 404 for an unknown path, 415 for an unknown content type. */
export function mismatch(status: 400 | 404 | 405 | 415 | 431, detail: string): PlainAnswer {
  const error = new StoreError('PROTOCOL_MISMATCH', {
    message:
      `${detail}; this port speaks Connect, gRPC and gRPC-web over HTTP/1.1 and HTTP/2: ` +
      'POST /package.Service/Method with content-type application/json or application/proto',
  });
  return { status, body: `${error.message}\n` };
}
