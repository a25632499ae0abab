/** The data service over plain JSON and HTTP/1.1: what curl sees. Shares no code with the packages under test. */
export interface JsonClient {
  get(key: string, options?: { consistency?: string; keyspace?: string }): Promise<Reply<GetReply>>;
  put(key: string, value: string, options?: PutOptions): Promise<Reply<PutReply>>;
  delete(key: string, options?: PutOptions): Promise<Reply<PutReply>>;
  call<T>(service: string, method: string, body: unknown, timeoutMs?: number): Promise<Reply<T>>;
}

export interface PutOptions {
  readonly context?: string;
  readonly consistency?: string;
  readonly durability?: string;
  readonly keyspace?: string;
  readonly timeoutMs?: number;
}

export interface GetReply {
  readonly values: readonly string[];
  readonly context: string;
}

export interface PutReply {
  readonly context: string;
  readonly ackedReplicas: number;
  readonly durableReplicas: number;
}

export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: JsonError };

export interface JsonError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly reason: string;
  readonly effect: string;
}

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');

export function jsonClient(url: string): JsonClient {
  const call = async <T>(service: string, method: string, body: unknown, timeoutMs = 5000): Promise<Reply<T>> => {
    let response: Response;
    try {
      response = await fetch(`${url}/${service}/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'connect-timeout-ms': String(timeoutMs) },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs + 5000),
      });
    } catch (error) {
      return {
        ok: false,
        error: { status: 0, code: 'unreachable', message: String(error), reason: '', effect: 'unknown' },
      };
    }
    const text = await response.text();
    if (response.ok) return { ok: true, value: JSON.parse(text) as T };
    return { ok: false, error: toError(response.status, text) };
  };
  const kv = 'ferrite.kv.v1.KvService';
  return {
    call,
    async get(key, options = {}) {
      const reply = await call<{ siblings?: { value?: string }[]; context?: string }>(kv, 'Get', {
        key: base64(key),
        ...options,
      });
      if (!reply.ok) return reply;
      const values = (reply.value.siblings ?? []).map((sibling) =>
        Buffer.from(sibling.value ?? '', 'base64').toString(),
      );
      return { ok: true, value: { values: values.sort(), context: reply.value.context ?? '' } };
    },
    put: (key, value, { timeoutMs, ...options } = {}) =>
      call<PutReply>(kv, 'Put', { key: base64(key), value: base64(value), ...options }, timeoutMs),
    delete: (key, { timeoutMs, ...options } = {}) =>
      call<PutReply>(kv, 'Delete', { key: base64(key), ...options }, timeoutMs),
  };
}

/** The value of a reply that must have succeeded. */
export function must<T>(reply: Reply<T>): T {
  if (reply.ok) return reply.value;
  throw new Error(`${reply.error.status} ${reply.error.message}`);
}

/** The error of a reply that must have failed. */
export function refused(reply: Reply<unknown>): JsonError {
  if (!reply.ok) return reply.error;
  throw new Error(`it succeeded: ${JSON.stringify(reply.value)}`);
}

function toError(status: number, text: string): JsonError {
  let parsed: {
    code?: string;
    message?: string;
    details?: { type?: string; debug?: { reason?: string; effect?: string } }[];
  };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    return { status, code: 'no json', message: text, reason: '', effect: '' };
  }
  const message = parsed.message ?? '';
  const detail = parsed.details?.find((entry) => entry.type === 'ferrite.errors.v1.ErrorDetail')?.debug;
  return {
    status,
    code: parsed.code ?? '',
    message,
    reason: detail?.reason ?? message.split(':')[0] ?? '',
    effect: detail?.effect ?? '',
  };
}
