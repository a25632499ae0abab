import { create } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { causeChain, type Effect, type Kind, type Reason, type Retry, StoreError } from '@ferrite/errors';
import { ErrorDetailSchema } from '@ferrite/proto/errors';

const CODE_OF_KIND: Readonly<Record<Kind, Code>> = {
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  resource_exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  deadline_exceeded: Code.DeadlineExceeded,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  data_loss: Code.DataLoss,
  internal: Code.Internal,
  unimplemented: Code.Unimplemented,
};

/** What an error without our detail means: it comes from the RPC framework, a proxy or another server. */
const REASON_OF_CODE: Readonly<Record<Code, readonly [Reason, Effect]>> = {
  [Code.Canceled]: ['FABRIC_UNAVAILABLE', 'unknown'],
  [Code.Unknown]: ['INTERNAL', 'unknown'],
  [Code.InvalidArgument]: ['ARGUMENT_INVALID', 'none'],
  [Code.DeadlineExceeded]: ['DEADLINE_EXCEEDED', 'unknown'],
  [Code.NotFound]: ['PROTOCOL_MISMATCH', 'none'],
  [Code.AlreadyExists]: ['INTERNAL', 'none'],
  [Code.PermissionDenied]: ['PERMISSION_DENIED', 'none'],
  [Code.ResourceExhausted]: ['MESSAGE_TOO_LARGE', 'none'],
  [Code.FailedPrecondition]: ['PROTOCOL_MISMATCH', 'none'],
  [Code.Aborted]: ['FABRIC_UNAVAILABLE', 'unknown'],
  [Code.OutOfRange]: ['ARGUMENT_INVALID', 'none'],
  [Code.Unimplemented]: ['UNIMPLEMENTED', 'none'],
  [Code.Internal]: ['INTERNAL', 'unknown'],
  [Code.Unavailable]: ['FABRIC_UNAVAILABLE', 'unknown'],
  [Code.DataLoss]: ['INTERNAL', 'unknown'],
  [Code.Unauthenticated]: ['UNAUTHENTICATED', 'none'],
};

/** Errors of `connect(2)`: nothing was sent. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** The error as every protocol carries it: the code of its kind, its message (`REASON: ...`) and `ErrorDetail`. */
export function toConnectError(error: StoreError): ConnectError {
  const { reason, effect, retry, retryAfterMs, fields } = error.toDetail();
  const detail = create(ErrorDetailSchema, {
    reason,
    effect,
    retry,
    fields: { ...fields },
    ...(retryAfterMs === undefined ? {} : { retryAfter: durationFromMs(retryAfterMs) }),
  });
  return new ConnectError(
    error.message,
    CODE_OF_KIND[error.kind],
    undefined,
    [{ desc: ErrorDetailSchema, value: detail }],
    error,
  );
}

/**
 * The `StoreError` in whatever a call threw: itself, the one it was made from, the one its detail describes, or the
 * nearest reason for its bare code.
 */
export function fromConnectError(error: unknown): StoreError {
  for (const cause of causeChain(error)) if (StoreError.is(cause)) return cause;
  if (!(error instanceof ConnectError)) return StoreError.from(error);
  const detail = error.findDetails(ErrorDetailSchema)[0];
  if (detail !== undefined) {
    return StoreError.fromDetail({
      reason: detail.reason,
      effect: detail.effect === 'none' ? 'none' : 'unknown',
      retry: detail.retry as Retry,
      ...(detail.retryAfter === undefined ? {} : { retryAfterMs: durationMs(detail.retryAfter) }),
      fields: detail.fields,
      message: error.rawMessage,
    });
  }
  const [reason, effect] = REASON_OF_CODE[error.code];
  return new StoreError(reason, {
    effect: causeChain(error).some(neverConnected) ? 'none' : effect,
    message: error.rawMessage || 'the server gave no reason',
    cause: error,
  });
}

/** For routers served by another adapter: lets handlers throw `StoreError`. The listeners of this package have it built in. */
export const storeErrorInterceptor: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    if (!response.stream) return response;
    return { ...response, message: mapped(response.message) };
  } catch (error) {
    throw asConnectError(error);
  }
};

/** Any failure of a handler, ready for the wire. A `ConnectError` a handler chose itself gets the nearest reason. */
export function asConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError && error.details.length > 0) return error;
  return toConnectError(fromConnectError(error));
}

async function* mapped<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw asConnectError(error);
  }
}

function neverConnected(cause: unknown): boolean {
  return cause instanceof Error && NOT_CONNECTED.has(String((cause as NodeJS.ErrnoException).code));
}
