import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { backoffMs, StoreError } from '@ferrite/errors';
import { KvService, type ScanRequest, ScanRequestSchema, type ScanResponse } from '@ferrite/proto/kv';
import { type Deadline, deadlineIn, pause } from './deadline.ts';
import type { Dispatcher } from './dispatch.ts';
import { SCAN_FAILURES_MAX, SCAN_IDLE_MS } from './limits.ts';
import { moreTelling } from './more-telling.ts';
import type { NodeLink } from './node-link.ts';
import type { ScanOptions, ScanRecord } from './types.ts';
import { toSibling, toWireConsistency } from './wire.ts';

/**
 * The records of a keyspace in the order (partition, hash, key). When a node fails, the scan goes on at another one
 * after the last record received, so no record comes twice. Stopping early releases the call.
 */
export async function* scanRecords(
  dispatcher: Dispatcher,
  keyspace: string,
  options: ScanOptions,
  signal: AbortSignal,
): AsyncGenerator<ScanRecord, void, undefined> {
  const whole = options.timeoutMs === undefined ? undefined : deadlineIn(options.timeoutMs, signal);
  let left = options.limit ?? 0;
  let pageToken = options.pageToken ?? new Uint8Array();
  let telling: StoreError | undefined;
  for (let failures = 0; ; ) {
    const links = await dispatcher.view.forAny();
    const link = links[failures % Math.max(1, links.length)];
    if (link === undefined) throw new StoreError('FABRIC_UNAVAILABLE', { message: 'the topology names no nodes' });
    const request = create(ScanRequestSchema, {
      keyspace,
      prefix: options.prefix ?? new Uint8Array(),
      pageToken,
      limit: left,
      includeValues: options.values ?? true,
      consistency: toWireConsistency(options.consistency),
    });
    try {
      for await (const response of receive(link, request, signal, whole)) {
        failures = 0;
        telling = undefined;
        pageToken = response.pageToken;
        const { key, context } = response;
        yield { key, siblings: response.siblings.map(toSibling), context, pageToken };
        if (left > 0 && --left === 0) return;
      }
      return;
    } catch (error) {
      if (!StoreError.is(error) || error.retry === 'never') throw error;
      failures += 1;
      telling = moreTelling(telling, error);
      const waitMs = error.retry === 'elsewhere' && failures === 1 ? 0 : backoffMs(failures + 3, Math.random);
      const deadline = whole ?? deadlineIn(SCAN_IDLE_MS, signal);
      if (failures >= SCAN_FAILURES_MAX || waitMs >= deadline.remainingMs()) throw telling;
      dispatcher.view.refreshSoon();
      await pause(waitMs, deadline);
    }
  }
}

/** One stream of one node; it fails with `DEADLINE_EXCEEDED` when nothing arrives for too long. */
async function* receive(
  link: NodeLink,
  request: ScanRequest,
  signal: AbortSignal,
  whole: Deadline | undefined,
): AsyncGenerator<ScanResponse, void, undefined> {
  const stop = new AbortController();
  const bounded = AbortSignal.any([signal, stop.signal]);
  let records: AsyncIterator<ScanResponse> | undefined;
  try {
    for (;;) {
      const idleMs = Math.min(SCAN_IDLE_MS, whole?.remainingMs() ?? SCAN_IDLE_MS);
      const timer = setTimeout(() => stop.abort(idleFor(idleMs)), Math.max(1, idleMs));
      let next: IteratorResult<ScanResponse>;
      try {
        next = await (records === undefined
          ? link.call((transport) => {
              records = createClient(KvService, transport).scan(request, { signal: bounded })[Symbol.asyncIterator]();
              return records.next();
            }, bounded)
          : link.next(records.next(), bounded));
      } finally {
        clearTimeout(timer);
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    stop.abort();
  }
}

function idleFor(ms: number): StoreError {
  return new StoreError('DEADLINE_EXCEEDED', { message: `the scan brought nothing for ${Math.ceil(ms)} ms` });
}
