import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, equalBytes, oneValue, type WriteOptions } from '@ferrite/client';
import { backoffMs, StoreError } from '@ferrite/errors';
import { FILE_RETRY_MS_MAX } from './limits.ts';
import { type FoundFile, messageOf, refusalOf } from './walk.ts';

/** What became of one file. `unavailable`: it may work later. */
export type Outcome =
  | { readonly kind: 'stored' | 'unchanged'; readonly bytes: number }
  | { readonly kind: 'refused' | 'unavailable'; readonly reason: string };

/** Puts one file under its key. */
export interface StoreFile {
  readonly client: Client;
  readonly keyspace: string;
  readonly write: Pick<WriteOptions, 'blind' | 'consistency' | 'durability'>;
  readonly signal: AbortSignal;
}

/**
 * Reads the record, and puts the file with the context of that read unless the record holds these bytes already and
 * nothing else; so the key ends with one value, however often this runs. A failure that may pass, or leaves a doubt, is
 * followed by the same again, from the read on, for up to 30 s. A blind put is repeated only if it certainly had no effect.
 */
export async function storeFile(task: StoreFile, file: FoundFile): Promise<Outcome> {
  let value: Uint8Array;
  try {
    value = await readFile(file.path);
  } catch (error) {
    return { kind: 'refused', reason: messageOf(error) };
  }
  const grown = refusalOf(file.key, value.length);
  if (grown !== undefined) return { kind: 'refused', reason: grown };

  const end = performance.now() + FILE_RETRY_MS_MAX;
  for (let attempt = 1; ; attempt++) {
    const timeoutMs = Math.max(1, end - performance.now());
    try {
      return { kind: await attemptStore(task, file, value, timeoutMs), bytes: value.length };
    } catch (error) {
      task.signal.throwIfAborted();
      if (!StoreError.is(error)) throw error;
      if (!mayPass(error, task.write.blind === true)) return { kind: 'refused', reason: error.message };
      const waitMs = backoffMs(attempt + 3, Math.random);
      if (performance.now() + waitMs >= end) return { kind: 'unavailable', reason: error.message };
      await sleep(waitMs, undefined, { signal: task.signal });
    }
  }
}

async function attemptStore(
  { client, keyspace, write }: StoreFile,
  file: FoundFile,
  value: Uint8Array,
  timeoutMs: number,
): Promise<'stored' | 'unchanged'> {
  const options = { ...write, timeoutMs };
  if (write.blind === true) {
    await client.put(keyspace, file.key, value, options);
    return 'stored';
  }
  const read = await client.get(keyspace, file.key, { timeoutMs });
  const found = oneValue(read);
  if (read.siblings.length === 1 && found.kind === 'value' && equalBytes(found.value, value)) return 'unchanged';
  await client.put(keyspace, file.key, value, { ...options, context: read.context });
  return 'stored';
}

/** Starting again with the read makes every attempt safe to repeat and settles a doubt; what is refused for good stays so. */
function mayPass(error: StoreError, blind: boolean): boolean {
  return error.effect === 'unknown' ? !blind : error.retry !== 'never';
}
