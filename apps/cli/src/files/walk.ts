import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { formatBytes } from '../text.ts';
import { joinPath, keyOfPath, type PathNames } from './key-path.ts';
import { FILE_BYTES_MAX, PATH_BYTES_MAX } from './limits.ts';

/** A file that is, or would be, a value of the keyspace. */
export interface FoundFile {
  /** Path relative to the directory: the key. */
  readonly key: Buffer;
  readonly path: Buffer;
  /** As of the walk. */
  readonly bytes: number;
}

/** Something that cannot be imported though it holds data, and why. */
export interface Refused {
  readonly key: Buffer;
  readonly reason: string;
}

/** What a directory holds, by the rules that import and verify share. */
export interface Found {
  readonly files: readonly FoundFile[];
  readonly refused: readonly Refused[];
  /** How many of what was passed over, such as `socket`. */
  readonly skipped: Readonly<Record<string, number>>;
}

/**
 * Walks a directory. Links to files are followed; links to directories are not, so a cycle of links has no end to follow.
 * Sockets, devices, pipes and links to nothing are passed over and counted. What cannot be read, is over 8 MiB, or has a
 * path over 1 KiB, is refused by name.
 */
export async function walk(directory: Buffer, signal: AbortSignal): Promise<Found> {
  const files: FoundFile[] = [];
  const refused: Refused[] = [];
  const skipped: Record<string, number> = {};
  const skip = (kind: string): void => {
    skipped[kind] = (skipped[kind] ?? 0) + 1;
  };

  const take = async (names: PathNames, entry: Dirent<Buffer>): Promise<void> => {
    const key = keyOfPath(names);
    const path = joinPath(directory, ...names);
    try {
      const link = entry.isSymbolicLink();
      const found = await stat(path);
      if (link && found.isDirectory()) return skip('link to a directory');
      if (!found.isFile()) return skip(kindOf(found));
      const reason = refusalOf(key, found.size);
      if (reason === undefined) files.push({ key, path, bytes: found.size });
      else refused.push({ key, reason });
    } catch (error) {
      if (entry.isSymbolicLink() && isDangling(error)) skip('link to nothing');
      else refused.push({ key, reason: messageOf(error) });
    }
  };

  const pending: PathNames[] = [[]];
  for (let names = pending.pop(); names !== undefined; names = pending.pop()) {
    try {
      // Typed for strings only; with this encoding the names are bytes.
      const entries = (await opendir(joinPath(directory, ...names), {
        encoding: 'buffer' as BufferEncoding,
        bufferSize: 512,
      })) as unknown as AsyncIterable<Dirent<Buffer>>;
      for await (const entry of entries) {
        signal.throwIfAborted();
        const below = [...names, entry.name];
        if (entry.isDirectory()) pending.push(below);
        else await take(below, entry);
      }
    } catch (error) {
      if (signal.aborted || names.length === 0) throw error;
      refused.push({ key: keyOfPath(names), reason: messageOf(error) });
    }
  }
  files.sort((a, b) => Buffer.compare(a.key, b.key));
  refused.sort((a, b) => Buffer.compare(a.key, b.key));
  return { files, refused, skipped };
}

/** Why a file of this key and size is not imported, if it is not. */
export function refusalOf(key: Buffer, bytes: number): string | undefined {
  if (key.length > PATH_BYTES_MAX) return `its path has ${key.length} bytes; a key has at most ${PATH_BYTES_MAX}`;
  if (bytes > FILE_BYTES_MAX) return `it has ${formatBytes(bytes)}; a value has at most ${formatBytes(FILE_BYTES_MAX)}`;
  return undefined;
}

/** `2 sockets, 1 link to a directory`, or an empty string. */
export function formatSkipped(skipped: Readonly<Record<string, number>>): string {
  return Object.entries(skipped)
    .map(([kind, number]) => `${number} × ${kind}`)
    .join(', ');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function kindOf(found: Awaited<ReturnType<typeof stat>>): string {
  if (found.isSocket()) return 'socket';
  if (found.isFIFO()) return 'pipe';
  return found.isBlockDevice() || found.isCharacterDevice() ? 'device' : 'entry of another kind';
}

function isDangling(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR';
}
