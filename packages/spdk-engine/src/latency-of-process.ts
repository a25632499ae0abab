import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { StoreError } from '@ferrite/errors';
import { type LatencySnapshot, latencyFrom } from './latency.ts';

const MEMORY = '/memfd:ferrite-latency (deleted)';

/**
 * The latencies of every engine that a process of the same user has open, in no particular order, without
 * disturbing it: they are read from the memory it shares. Empty if it has none. Throws `ARGUMENT_INVALID` if there is no such
 * process or this one may not look into it, `PROTOCOL_MISMATCH` if its engine is of another version.
 */
export function latencyOfProcess(pid: number): readonly LatencySnapshot[] {
  const folder = `/proc/${pid}/fd`;
  return descriptors(pid, folder)
    .flatMap((descriptor) => contents(`${folder}/${descriptor}`))
    .map(latencyFrom);
}

function descriptors(pid: number, folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new StoreError('ARGUMENT_INVALID', { message: `no process ${pid} that this one may look into`, cause });
  }
}

/** Nothing for another kind of descriptor, and for one that is closed at this moment. */
function contents(path: string): readonly Uint8Array[] {
  try {
    return readlinkSync(path) === MEMORY ? [readFileSync(path)] : [];
  } catch {
    return [];
  }
}
