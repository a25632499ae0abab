import type { DescMethodUnary } from '@bufbuild/protobuf';
import { StoreError } from '@ferrite/errors';
import { keyHash } from '@ferrite/hashing';
import { type DirectMethod, decodeGet, decodePut, encodeGot, encodeWrote } from '@ferrite/net';
import { KvService } from '@ferrite/proto/kv';
import { consistencyFromWire, durabilityFromWire } from '../codec/topology.ts';
import { contextToWire, fitting } from './kv-answers.ts';
import { checkIdempotencyToken, checkKey, checkValue } from './kv-limits.ts';
import type { KvServiceOptions } from './kv-service.ts';

/**
 * Gets and puts from the bytes of their requests, with the same meaning as `kvService`, which takes whatever is left here:
 * requests with rare fields, and those that name a keyspace which this node has yet to look up.
 */
export function kvDirect(options: KvServiceOptions): ReadonlyMap<DescMethodUnary, DirectMethod> {
  const { replica, tokens, requestTimeoutMs, messageBytesMax } = options;
  const { calls } = replica;

  const get: DirectMethod = (bytes, call) => {
    const request = decodeGet(bytes);
    const keyspace = request && replica.knownKeyspace(request.keyspace);
    if (request === undefined || keyspace === undefined) return false;
    const { key, atLeast } = request;
    try {
      checkKey(key);
      const binding = { keyspaceId: keyspace.id, keyHash: keyHash(key) };
      const command = {
        keyspace,
        key,
        timeoutMs: call.timeoutMs || requestTimeoutMs,
        consistency: consistencyFromWire(request.consistency) ?? keyspace.readConsistency,
        ...(atLeast.length > 0 && { atLeast: tokens.decode(binding, atLeast) }),
      };
      calls.get(command, (outcome) => {
        if (!outcome.ok) return call.fail(outcome.error);
        const { siblings, context, more } = fitting(outcome.value, messageBytesMax);
        const told = siblings.map(({ value }) => ({
          value: value.bytes,
          writtenAtMs: Math.floor(value.writtenAtMs),
          expiresAtMs: value.expiresAtMs === 0 ? -1 : Math.floor(value.expiresAtMs),
        }));
        call.answer(
          encodeGot({ siblings: told, context: contextToWire(tokens, binding, context), moreSiblings: more }),
        );
      });
    } catch (error) {
      call.fail(StoreError.from(error));
    }
    return true;
  };

  const put: DirectMethod = (bytes, call) => {
    const request = decodePut(bytes);
    const keyspace = request && replica.knownKeyspace(request.keyspace);
    if (request === undefined || keyspace === undefined) return false;
    const { key, value, context, idempotencyToken } = request;
    try {
      checkKey(key);
      checkValue(value);
      checkIdempotencyToken(idempotencyToken);
      const binding = { keyspaceId: keyspace.id, keyHash: keyHash(key) };
      const command = {
        keyspace,
        key,
        value,
        timeoutMs: call.timeoutMs || requestTimeoutMs,
        consistency: consistencyFromWire(request.consistency) ?? keyspace.writeConsistency,
        durability: durabilityFromWire(request.durability) ?? keyspace.durability,
        ...(context.length > 0 && { context: tokens.decode(binding, context) }),
        ...(idempotencyToken.length > 0 && { idempotencyToken }),
      };
      calls.write(command, (outcome) => {
        if (!outcome.ok) return call.fail(outcome.error);
        const { acked, durable, hinted } = outcome.value;
        const told = contextToWire(tokens, binding, outcome.value.context);
        call.answer(
          encodeWrote({ context: told, ackedReplicas: acked, durableReplicas: durable, hintedReplicas: hinted }),
        );
      });
    } catch (error) {
      call.fail(StoreError.from(error));
    }
    return true;
  };

  return new Map<DescMethodUnary, DirectMethod>([
    [KvService.method.get, get],
    [KvService.method.put, put],
  ]);
}
