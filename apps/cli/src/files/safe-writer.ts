import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { joinPath, pathOfKey } from './key-path.ts';
import { messageOf } from './walk.ts';

/** What became of one value. */
export type Written =
  | { readonly kind: 'written' | 'unchanged' }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Writes values as files below one directory and nowhere else: keys that name no path below it are refused, links on the
 * way are not followed, and a file appears whole or not at all. One call at a time.
 */
export class SafeWriter {
  readonly #root: Buffer;
  readonly #overwrite: boolean;
  /** Directories known to be real ones, by their key. */
  readonly #directories = new Set<string>();

  /** `root` is created when the first file is written. With `overwrite` other files of the same path are replaced. */
  constructor(root: Buffer, overwrite: boolean) {
    this.#root = root;
    this.#overwrite = overwrite;
  }

  async write(key: Uint8Array, value: Uint8Array): Promise<Written> {
    const names = pathOfKey(key, this.#root.length);
    if ('refused' in names) return { kind: 'refused', reason: names.refused };
    try {
      const conflict = await this.#makeParents(names.slice(0, -1));
      if (conflict !== undefined) return { kind: 'refused', reason: conflict };
      return await this.#replace(joinPath(this.#root, ...names), value);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { kind: 'refused', reason: messageOf(error) };
    }
  }

  async #makeParents(names: readonly Buffer[]): Promise<string | undefined> {
    await mkdir(this.#root, { recursive: true });
    for (let depth = 1; depth <= names.length; depth++) {
      const path = joinPath(this.#root, ...names.slice(0, depth));
      const name = path.toString('latin1');
      if (this.#directories.has(name)) continue;
      await mkdir(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      const found = await lstat(path);
      if (found.isSymbolicLink()) return 'a symbolic link is in the way, and links are not followed';
      if (!found.isDirectory()) return 'a file is in the place of one of its directories';
      this.#directories.add(name);
    }
    return undefined;
  }

  async #replace(path: Buffer, value: Uint8Array): Promise<Written> {
    const present = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (present?.isDirectory() === true) return { kind: 'refused', reason: 'a directory is in its place' };
    if (present?.isFile() === true && present.size === value.length && (await readFile(path)).equals(value)) {
      return { kind: 'unchanged' };
    }
    if (present !== undefined && !this.#overwrite) {
      return { kind: 'refused', reason: 'something else is in its place (--overwrite replaces it)' };
    }
    const draft = joinPath(this.#root, Buffer.from(`.ferrite-export-${randomBytes(8).toString('hex')}`));
    try {
      const file = await open(draft, 'wx');
      try {
        await file.writeFile(value);
      } finally {
        await file.close();
      }
      await rename(draft, path);
    } catch (error) {
      await unlink(draft).catch(() => undefined);
      throw error;
    }
    return { kind: 'written' };
  }
}

/** Faults of one path; anything else (no space, no permission for the directory, a broken disk) ends the export. */
function isRefusal(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENAMETOOLONG' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'EINVAL' || code === 'EILSEQ';
}
