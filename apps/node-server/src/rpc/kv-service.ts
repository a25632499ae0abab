import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { keyHash } from '@ferrite/hashing';
import {
  type DeleteRequest,
  type GetRequest,
  GetResponseSchema,
  type KvService,
  type Op,
  type OpResultSchema,
  type PutRequest,
  type SiblingSchema,
} from '@ferrite/proto/kv';
import { type GetResult, type ReplicaNode, type StoredValue, TTL_MS_MAX, type WriteResult } from '@ferrite/replication';
import type { TokenCodec } from '@ferrite/vector-clock';
import { decodePageToken, encodePageToken } from '../codec/page-token.ts';
import { consistencyFromWire, durabilityFromWire, ttlFromWire } from '../codec/topology.ts';
import { contextToWire, fitting } from './kv-answers.ts';
import { checkIdempotencyToken, checkKey, checkValue } from './kv-limits.ts';

const BATCH_OPS_MAX = 10_000;
const SCAN_PAGE_RECORDS = 256;
const SCAN_PAGE_BYTES = 1024 * 1024;

export interface KvServiceOptions {
  readonly replica: ReplicaNode;
  readonly tokens: TokenCodec;
  /** For calls that bring no deadline, in milliseconds. */
  readonly requestTimeoutMs: number;
  readonly messageBytesMax: number;
}

type GetResponse = MessageInitShape<typeof GetResponseSchema>;
interface WriteResponse {
  context: Uint8Array;
  ackedReplicas: number;
  durableReplicas: number;
  hintedReplicas: number;
}

/** `ferrite.kv.v1.KvService`: the domain in the words of the wire. Methods that later versions bring are not registered. */
export function kvService(options: KvServiceOptions): Partial<ServiceImpl<typeof KvService>> {
  const { replica, tokens, requestTimeoutMs, messageBytesMax } = options;

  const deadline = (context: HandlerContext): number => Math.max(1, context.timeoutMs() ?? requestTimeoutMs);

  const get = async (request: GetRequest, timeoutMs: number): Promise<GetResponse> => {
    const { key } = request;
    checkKey(key);
    const keyspace = await replica.keyspace(request.keyspace);
    if (request.maxStaleness !== undefined) throw later('max_staleness');
    const binding = { keyspaceId: keyspace.id, keyHash: keyHash(key) };
    const atLeast = request.atLeast.byteLength > 0 ? tokens.decode(binding, request.atLeast) : undefined;
    const consistency = consistencyFromWire(request.consistency);
    const result = await replica.get({
      keyspace: keyspace.name,
      key,
      timeoutMs,
      ...(consistency && { consistency }),
      ...(atLeast && { atLeast }),
    });
    return answer(result, binding);
  };

  const answer = (result: GetResult, binding: { keyspaceId: number; keyHash: bigint }): GetResponse => {
    const { siblings, context, more } = fitting(result, messageBytesMax);
    return {
      siblings: siblings.map(({ value }) => siblingToWire(value)),
      context: contextToWire(tokens, binding, context),
      moreSiblings: more,
    };
  };

  const write = async (
    request: PutRequest | DeleteRequest,
    value: Uint8Array | undefined,
    timeoutMs: number,
    ttlMs?: number,
  ): Promise<WriteResponse> => {
    const { key } = request;
    checkKey(key);
    if (value !== undefined) checkValue(value);
    const keyspace = await replica.keyspace(request.keyspace);
    const { idempotencyToken } = request;
    checkIdempotencyToken(idempotencyToken);
    const binding = { keyspaceId: keyspace.id, keyHash: keyHash(key) };
    const consistency = consistencyFromWire(request.consistency);
    const durability = durabilityFromWire(request.durability);
    const result: WriteResult = await replica.write({
      keyspace: keyspace.name,
      key,
      timeoutMs,
      ...(value && { value }),
      ...(request.context.byteLength > 0 && { context: tokens.decode(binding, request.context) }),
      ...(consistency && { consistency }),
      ...(durability && { durability }),
      ...(ttlMs !== undefined && { ttlMs }),
      ...(idempotencyToken.byteLength > 0 && { idempotencyToken }),
    });
    return {
      context: contextToWire(tokens, binding, result.context),
      ackedReplicas: result.acked,
      durableReplicas: result.durable,
      hintedReplicas: result.hinted,
    };
  };

  const put = async (request: PutRequest, timeoutMs: number): Promise<WriteResponse> => {
    const { ttl } = request;
    if (ttl === undefined) return await write(request, request.value, timeoutMs);
    const ttlMs = ttlFromWire(ttl);
    if (ttlMs < 1 || ttlMs > TTL_MS_MAX)
      throw new StoreError('ARGUMENT_INVALID', { message: 'ttl is more than nothing and at most 100 years' });
    return await write(request, request.value, timeoutMs, ttlMs);
  };

  const run = async ({ op }: Op, timeoutMs: number): Promise<MessageInitShape<typeof OpResultSchema>> => {
    try {
      if (op.case === 'get') return { result: { case: 'get', value: await get(op.value, timeoutMs) } };
      if (op.case === 'put') return { result: { case: 'put', value: await put(op.value, timeoutMs) } };
      if (op.case === 'delete')
        return { result: { case: 'delete', value: await write(op.value, undefined, timeoutMs) } };
      throw new StoreError('ARGUMENT_INVALID', { message: 'the operation is empty or not known to this version' });
    } catch (error) {
      return { result: { case: 'error', value: errorToWire(error) } };
    }
  };

  return {
    get: (request, context) => get(request, deadline(context)),
    put: (request, context) => put(request, deadline(context)),
    delete: (request, context) => write(request, undefined, deadline(context)),

    async batch({ ops }, context) {
      if (ops.length > BATCH_OPS_MAX)
        throw new StoreError('OVERLOADED', { message: `a batch has at most ${BATCH_OPS_MAX} operations` });
      const timeoutMs = deadline(context);
      return { results: await Promise.all(ops.map((op) => run(op, timeoutMs))) };
    },

    async *scan(request, context) {
      const { prefix, limit, includeValues } = request;
      const keyspace = await replica.keyspace(request.keyspace);
      const consistency = consistencyFromWire(request.consistency);
      const command = {
        keyspace: keyspace.name,
        maxRecords: SCAN_PAGE_RECORDS,
        maxBytes: SCAN_PAGE_BYTES,
        timeoutMs: requestTimeoutMs,
      };
      let after = decodePageToken(request.pageToken, keyspace.id, replica.topology());
      let count = 0;
      do {
        context.signal.throwIfAborted();
        const page = await replica.scanPage({
          ...command,
          ...(consistency && { consistency }),
          ...(after && { after }),
        });
        for (const { key, hash, result } of page.records) {
          if (!startsWith(key, prefix)) continue;
          const found = answer(result, { keyspaceId: keyspace.id, keyHash: hash });
          const siblings = (found.siblings ?? []).map((sibling) =>
            includeValues ? sibling : { ...sibling, value: EMPTY },
          );
          yield { key, siblings, context: found.context ?? EMPTY, pageToken: encodePageToken(keyspace.id, key) };
          count++;
          if (limit !== 0 && count >= limit) return;
        }
        after = page.next;
      } while (after !== undefined);
    },
  };
}

const EMPTY = new Uint8Array();

function siblingToWire(value: StoredValue): MessageInitShape<typeof SiblingSchema> {
  return {
    value: value.bytes,
    writtenAt: timestampFromMs(Math.floor(value.writtenAtMs)),
    ...(value.expiresAtMs !== 0 && { expiresAt: timestampFromMs(value.expiresAtMs) }),
  };
}

function errorToWire(thrown: unknown): {
  code: string;
  message: string;
  detail: { reason: string; effect: string; retry: string; fields: Record<string, string> };
} {
  const error = StoreError.from(thrown);
  const { reason, effect, retry, fields, message } = error.toDetail();
  return { code: error.kind, message, detail: { reason, effect, retry, fields: { ...fields } } };
}

function later(what: string): StoreError {
  return new StoreError('UNIMPLEMENTED', { message: `${what} is not in this version` });
}

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.byteLength >= prefix.byteLength && prefix.every((byte, at) => key[at] === byte);
}
