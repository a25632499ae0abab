import { StoreError } from '@ferrite/errors';
import { FULL_PATH_BYTES_MAX, NAME_BYTES_MAX } from './limits.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** The names of a relative path, from the root down. */
export type PathNames = readonly Buffer[];

/** The key of a file: the bytes of its path relative to the directory, names separated by `/`. */
export function keyOfPath(names: PathNames): Buffer {
  return Buffer.concat(names.flatMap((name, index) => (index === 0 ? [name] : [Buffer.of(SLASH), name])));
}

/**
 * The path that a key names below a directory whose own path has `directoryBytes` bytes, or why it names none. Inverse of
 * {@link keyOfPath}; whatever it accepts stays below the directory (as long as nothing on the way is a symbolic link).
 */
export function pathOfKey(key: Uint8Array, directoryBytes: number): PathNames | { readonly refused: string } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (bytes.length === 0) return { refused: 'the key is empty' };
  if (bytes.includes(0)) return { refused: 'the key contains a NUL byte' };
  if (bytes[0] === SLASH) return { refused: 'the key is an absolute path' };
  if (directoryBytes + 1 + bytes.length > FULL_PATH_BYTES_MAX) return { refused: 'the path would be too long' };
  const names: Buffer[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const slash = bytes.indexOf(SLASH, start);
    const end = slash === -1 ? bytes.length : slash;
    const name = bytes.subarray(start, end);
    const refused = refusalOfName(name);
    if (refused !== undefined) return { refused };
    names.push(name);
    start = end + 1;
  }
  return names;
}

/** The bytes of a path below `directory`. */
export function joinPath(directory: Buffer, ...names: PathNames): Buffer {
  if (names.some((name) => refusalOfName(name) !== undefined)) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'a name of a path is not valid' });
  }
  return names.length === 0 ? directory : Buffer.concat([directory, Buffer.of(SLASH), keyOfPath(names)]);
}

function refusalOfName(name: Buffer): string | undefined {
  if (name.length === 0) return 'the key has an empty name between two slashes, or at its end';
  if (name.length <= 2 && name.every((byte) => byte === DOT))
    return `the key has the name "${name.toString('latin1')}"`;
  if (name.length > NAME_BYTES_MAX) return `a name of the path has more than ${NAME_BYTES_MAX} bytes`;
  return undefined;
}
