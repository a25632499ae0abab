import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '@ferrite/errors';
import { parseTopology, serializeTopology, type TopologyDocument } from '@ferrite/replication';

/** What a node keeps of a topology store that is elsewhere: enough to start while that is away (P15). */
export interface Remembered {
  readonly clusterKey: string;
  readonly topology?: TopologyDocument | undefined;
}

/** What the file holds, if there is one. `CONFIG_INVALID` if it is damaged. */
export function readTopologyCache(file: string): Remembered | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StoreError('PATH_NOT_WRITABLE', { message: `${file} cannot be read`, cause });
  }
  try {
    const { clusterKey, topology } = JSON.parse(text) as { clusterKey: string; topology?: string };
    if (typeof clusterKey !== 'string') throw new TypeError('it holds no key');
    return { clusterKey, topology: topology === undefined ? undefined : parseTopology(topology) };
  } catch (cause) {
    const message = `${file} is damaged (${cause instanceof Error ? cause.message : 'unreadable'}); delete it while the topology store answers`;
    throw new StoreError('CONFIG_INVALID', { message, cause });
  }
}

/** Replaces the file, whole or not at all, durably. Throws `PATH_NOT_WRITABLE`. */
export function writeTopologyCache(file: string, { clusterKey, topology }: Remembered): void {
  const text = JSON.stringify({ clusterKey, ...(topology && { topology: serializeTopology(topology) }) });
  const aside = `${file}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeDurably(aside, text);
    renameSync(aside, file);
    const directory = openSync(dirname(file), 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new StoreError('PATH_NOT_WRITABLE', { message: `${file} cannot be written (${code})`, cause });
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
