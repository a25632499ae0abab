import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { BatchRequestSchema, KvService, type OpError, type OpResult, type OpSchema } from '@ferrite/proto/kv';
import type { ContextMemory } from './context-memory.ts';
import type { Deadline } from './deadline.ts';
import type { Dispatcher } from './dispatch.ts';
import { BATCH_BYTES_MAX, BATCH_OPS_MAX } from './limits.ts';
import type { NodeLink } from './node-link.ts';
import type { BatchOp, GetResult, WriteResult } from './types.ts';
import { toGetResult, toWireConsistency, toWireDurability, toWriteResult } from './wire.ts';
import { givenContext } from './write.ts';

/** What became of one operation of a batch. */
export type BatchResult =
  | { readonly ok: true; readonly op: 'get'; readonly result: GetResult }
  | { readonly ok: true; readonly op: 'put' | 'delete'; readonly result: WriteResult }
  | { readonly ok: false; readonly op: BatchOp['op']; readonly error: StoreError };

type WireOp = MessageInitShape<typeof OpSchema>;

interface Item {
  readonly op: BatchOp;
  readonly context: Uint8Array | undefined;
}

/**
 * Independent operations, grouped by the node that is best for each; results in the order of the operations. Writes
 * without a context of their own get one from a batch of reads before. Whether a write in doubt took place is for the
 * caller to find out; only groups that certainly had no effect are repeated.
 */
export async function runBatch(
  dispatcher: Dispatcher,
  contexts: ContextMemory,
  ops: readonly BatchOp[],
  deadline: Deadline,
): Promise<BatchResult[]> {
  const items = ops.map((op) => ({ op, context: op.op === 'get' ? undefined : givenContext({ contexts, ...op }, op) }));
  const lacking = items.filter(({ op, context }) => op.op !== 'get' && op.blind !== true && context === undefined);
  const reads = lacking.map(({ op }): Item => {
    const { keyspace, key, consistency } = op;
    return { op: { op: 'get', keyspace, key, ...(consistency && { consistency }) }, context: undefined };
  });
  const read = new Map<Item, BatchResult>();
  for (const [index, result] of (await sendAll(dispatcher, reads, deadline)).entries()) {
    const item = lacking[index];
    if (item !== undefined) read.set(item, result);
  }

  const ready = items.flatMap((item): Item[] => {
    const found = read.get(item);
    if (found === undefined) return [item];
    return found.ok ? [{ op: item.op, context: found.result.context }] : [];
  });
  const answers = (await sendAll(dispatcher, ready, deadline)).values();
  return items.map((item): BatchResult => {
    const found = read.get(item);
    if (found?.ok === false) return { ok: false, op: item.op.op, error: found.error };
    const result = answers.next().value ?? { ok: false, op: item.op.op, error: missing() };
    if (result.ok && (item.op.op === 'get' || item.op.blind !== true)) {
      contexts.remember(item.op.keyspace, item.op.key, result.result.context);
    }
    return result;
  });
}

async function sendAll(dispatcher: Dispatcher, items: readonly Item[], deadline: Deadline): Promise<BatchResult[]> {
  const results: BatchResult[] = [];
  const groups = await group(dispatcher, items);
  await Promise.all(
    groups.map(async (indexes) => {
      const members = indexes.flatMap((index) => items[index] ?? []);
      const answers = await sendGroup(dispatcher, members, deadline);
      for (const [at, index] of indexes.entries()) {
        results[index] = answers[at] ?? { ok: false, op: items[index]?.op.op ?? 'get', error: missing() };
      }
    }),
  );
  return results;
}

/** Indexes of the items, by the node to ask first, in groups that fit into a message. */
async function group(dispatcher: Dispatcher, items: readonly Item[]): Promise<number[][]> {
  const groups: number[][] = [];
  const open = new Map<NodeLink | undefined, { indexes: number[]; bytes: number }>();
  for (const [index, { op }] of items.entries()) {
    const [link] = await dispatcher.view.forKey(op.keyspace, op.key);
    const bytes = op.key.length + (op.op === 'put' ? op.value.length : 0);
    let at = open.get(link);
    if (at === undefined || at.indexes.length >= BATCH_OPS_MAX || at.bytes + bytes > BATCH_BYTES_MAX) {
      at = { indexes: [], bytes: 0 };
      open.set(link, at);
      groups.push(at.indexes);
    }
    at.indexes.push(index);
    at.bytes += bytes;
  }
  return groups;
}

async function sendGroup(dispatcher: Dispatcher, items: readonly Item[], deadline: Deadline): Promise<BatchResult[]> {
  const [first] = items;
  if (first === undefined) return [];
  const message = create(BatchRequestSchema, { ops: items.map(toWireOp) });
  try {
    const response = await dispatcher.run(
      {
        route: () => dispatcher.view.forKey(first.op.keyspace, first.op.key),
        idempotent: items.every(({ op }) => op.op === 'get'),
        send: (transport, options) => createClient(KvService, transport).batch(message, options),
      },
      deadline,
    );
    return items.map(({ op }, index) => toBatchResult(op.op, response.results[index]));
  } catch (error) {
    if (!StoreError.is(error)) throw error;
    return items.map(({ op }) => ({ ok: false, op: op.op, error }));
  }
}

function toWireOp({ op, context }: Item): WireOp {
  const { keyspace, key } = op;
  const consistency = toWireConsistency(op.consistency);
  if (op.op === 'get') {
    const { atLeast } = op;
    return { op: { case: 'get', value: { keyspace, key, consistency, ...(atLeast && { atLeast }) } } };
  }
  const write = {
    keyspace,
    key,
    consistency,
    durability: toWireDurability(op.durability),
    ...(context && { context }),
    ...(op.idempotencyToken && { idempotencyToken: op.idempotencyToken }),
  };
  if (op.op === 'put') {
    const ttl = op.ttlMs === undefined ? undefined : durationFromMs(op.ttlMs);
    return { op: { case: 'put', value: { ...write, value: op.value, ...(ttl && { ttl }) } } };
  }
  return { op: { case: 'delete', value: write } };
}

function toBatchResult(op: BatchOp['op'], answer: OpResult | undefined): BatchResult {
  const result = answer?.result;
  if (result?.case === 'error') return { ok: false, op, error: toStoreError(result.value) };
  if (op === 'get' && result?.case === 'get') return { ok: true, op, result: toGetResult(result.value) };
  if (op !== 'get' && result?.case === op) return { ok: true, op, result: toWriteResult(result.value) };
  return { ok: false, op, error: missing() };
}

function toStoreError({ detail, message, code }: OpError): StoreError {
  return StoreError.fromDetail({
    reason: detail?.reason ?? code,
    effect: detail?.effect === 'none' ? 'none' : 'unknown',
    retry: 'never',
    fields: detail?.fields ?? {},
    message,
    ...(detail?.retryAfter && { retryAfterMs: durationMs(detail.retryAfter) }),
  });
}

function missing(): StoreError {
  return new StoreError('INTERNAL', { effect: 'unknown', message: 'the node gave no result for this operation' });
}
