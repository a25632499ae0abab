import { create, fromBinary } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { backoffMs, StoreError } from '@ferrite/errors';
import { decodeWrote, encodeGet, encodePut } from '@ferrite/net';
import {
  type Consistency,
  DeleteRequestSchema,
  GetRequestSchema,
  GetResponseSchema,
  KvService,
  type PutRequest,
  PutRequestSchema,
  PutResponseSchema,
} from '@ferrite/proto/kv';
import type { ContextMemory } from './context-memory.ts';
import { type Deadline, pause } from './deadline.ts';
import type { Dispatcher } from './dispatch.ts';
import { equalBytes } from './one-value.ts';
import type { GetResult, PutOptions, WriteOptions, WriteResult } from './types.ts';
import { gotFromWire, toGetResult, toWireConsistency, toWireDurability, toWriteResult } from './wire.ts';

/** One key, and what is needed to reach it. */
export interface Target {
  readonly dispatcher: Dispatcher;
  readonly contexts: ContextMemory;
  readonly keyspace: string;
  readonly key: Uint8Array;
  readonly deadline: Deadline;
  /** Reads descend from what `contexts` remembers of the key. */
  readonly inSession?: boolean;
}

/** Reads the record; safe to repeat, so it is, at any node that may answer. */
export async function readRecord(target: Target, consistency: Consistency, demand?: Uint8Array): Promise<GetResult> {
  const { dispatcher, contexts, keyspace, key, deadline } = target;
  const atLeast = target.inSession === true ? contexts.recall(keyspace, key) : demand;
  const request = { keyspace, key, consistency, atLeast: atLeast ?? NOTHING };
  const response = await dispatcher.run<GetResult>(
    {
      route: () => dispatcher.view.forKey(keyspace, key),
      keyspace,
      idempotent: true,
      direct: { method: KvService.method.get, encode: () => encodeGet(request), decode: readAnswer },
      send: async (transport, options) =>
        toGetResult(await createClient(KvService, transport).get(create(GetRequestSchema, request), options)),
    },
    deadline,
  );
  // A context of only some siblings would let a session go back.
  const whole = target.inSession !== true || !response.moreSiblings || atLeast === undefined;
  if (whole) contexts.remember(keyspace, key, response.context);
  return response;
}

/**
 * Puts a value. A put that failed in doubt is repeated only where that ends in one sibling:
 *
 * - *With a token*: as it is. The nodes know the token again, and there is one effect (P12).
 * - *Blind*: never. Nothing tells the first write's sibling from another writer's.
 * - *Context read here*: the record is read again and the put repeated with what that read covers. If the first write
 *   took place, its sibling is in the answer, the new context covers it, and the repetition replaces it. Repeating with
 *   the old context would leave two siblings, since each write has a dot of its own (P2).
 * - *Context from the caller*: the same, but only if the second read shows either this value alone (the write took
 *   place) or the caller's context unchanged (it did not). Anything else may be a value the caller never saw, which its
 *   put must not replace: the doubt is reported.
 *
 * One case remains: the only replica that holds the first write is away during the second read. When it returns, the
 * record has two siblings with equal bytes; nothing is lost, and the next put replaces both.
 */
export async function putValue(target: Target, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
  const given = givenContext(target, options);
  const consistency = toWireConsistency(options.consistency);
  const send = (context: Uint8Array | undefined): Promise<WriteResult> => sendPut(target, value, context, options);
  if (options.blind === true) return await send(undefined);
  // With a token the same request may be sent as often as it takes; without one it must be found out what became of it.
  if (options.idempotencyToken !== undefined)
    return await send(given ?? (await readRecord(target, consistency)).context);

  let context = given ?? (await readRecord(target, consistency)).context;
  let doubt: StoreError | undefined;
  for (let number = 1; ; number++) {
    try {
      return await send(context);
    } catch (error) {
      if (!StoreError.is(error)) throw error;
      const failure = doubt === undefined ? error : error.withEffect('unknown');
      if (error.effect === 'none' || error.retry === 'never') throw failure;
      doubt = failure;
    }
    const waitMs = backoffMs(number, Math.random);
    if (waitMs >= target.deadline.remainingMs() || !target.dispatcher.budget.spend()) throw doubt;
    await pause(waitMs, target.deadline);
    const now = await readRecord(target, consistency).catch((error: unknown) => {
      throw StoreError.is(error) ? doubt : error;
    });
    if (given !== undefined && !settles(now, given, value)) throw doubt;
    context = now.context;
  }
}

/**
 * Deletes what the context covers. With a context, deleting twice is deleting once, so a doubtful delete is repeated as
 * it is. Without one it deletes what a QUORUM read sees at that moment and is never repeated in doubt.
 */
export async function deleteKey(target: Target, options: WriteOptions): Promise<WriteResult> {
  const { dispatcher, contexts, keyspace, key, deadline } = target;
  const consistency = toWireConsistency(options.consistency);
  const given = givenContext(target, options);
  const context = options.blind === true ? undefined : (given ?? (await readRecord(target, consistency)).context);
  const message = create(DeleteRequestSchema, {
    keyspace,
    key,
    consistency,
    durability: toWireDurability(options.durability),
    ...(context && { context }),
    ...tokenOf(options),
  });
  const response = await dispatcher.run(
    {
      route: () => dispatcher.view.forKey(keyspace, key),
      keyspace,
      idempotent: options.idempotencyToken !== undefined || (context !== undefined && context.length > 0),
      send: (transport, call) => createClient(KvService, transport).delete(message, call),
    },
    deadline,
  );
  contexts.remember(keyspace, key, response.context);
  return toWriteResult(response);
}

/** The context that the caller names, if any. Throws `ARGUMENT_INVALID` for a blind write with one. */
export function givenContext(
  target: Pick<Target, 'contexts' | 'keyspace' | 'key'>,
  options: Pick<WriteOptions, 'context' | 'blind'>,
): Uint8Array | undefined {
  if (options.blind === true && options.context !== undefined) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'a write is either blind or has a context, not both' });
  }
  return options.context === 'seen' ? target.contexts.recall(target.keyspace, target.key) : options.context;
}

async function sendPut(
  target: Target,
  value: Uint8Array,
  context: Uint8Array | undefined,
  options: PutOptions,
): Promise<WriteResult> {
  const { dispatcher, contexts, keyspace, key, deadline } = target;
  const { ttlMs, idempotencyToken = NOTHING } = options;
  const request = {
    keyspace,
    key,
    value,
    context: context ?? NOTHING,
    consistency: toWireConsistency(options.consistency),
    durability: toWireDurability(options.durability),
    idempotencyToken,
  };
  const message = (): PutRequest =>
    create(PutRequestSchema, { ...request, ...(ttlMs !== undefined && { ttl: durationFromMs(ttlMs) }) });
  const direct = { method: KvService.method.put, encode: () => encodePut(request), decode: writeAnswer };
  const result = await dispatcher.run<WriteResult>(
    {
      route: () => dispatcher.view.forKey(keyspace, key),
      keyspace,
      idempotent: options.idempotencyToken !== undefined,
      ...(ttlMs === undefined && { direct }),
      send: async (transport, call) => toWriteResult(await createClient(KvService, transport).put(message(), call)),
    },
    deadline,
  );
  if (context !== undefined) contexts.remember(keyspace, key, result.context);
  return result;
}

function tokenOf({ idempotencyToken }: WriteOptions): { idempotencyToken?: Uint8Array } {
  return idempotencyToken === undefined ? {} : { idempotencyToken };
}

/** Whether the record as read after a doubtful put with the caller's context tells what became of that put. */
function settles(now: GetResult, given: Uint8Array, value: Uint8Array): boolean {
  const [only, ...others] = now.siblings;
  if (only !== undefined && others.length === 0 && !now.moreSiblings && equalBytes(only.value, value)) return true;
  return equalBytes(now.context, given);
}

const NOTHING = new Uint8Array();

function readAnswer(answer: Buffer): GetResult {
  return gotFromWire(answer) ?? toGetResult(fromBinary(GetResponseSchema, answer));
}

function writeAnswer(answer: Buffer): WriteResult {
  return decodeWrote(answer) ?? toWriteResult(fromBinary(PutResponseSchema, answer));
}
