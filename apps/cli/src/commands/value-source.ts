import { readFile } from 'node:fs/promises';
import { usageError } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

/** The value of a put: the argument, `--file`, or standard input where the argument is `-` or data is piped in. */
export async function readValue(
  argument: string | undefined,
  file: string | undefined,
  terminal: Terminal,
): Promise<Uint8Array> {
  if (argument !== undefined && file !== undefined) throw usageError('name either VALUE or --file, not both');
  if (file !== undefined) return await readFile(file);
  if (argument !== undefined && argument !== '-') return Buffer.from(argument);
  if (argument === undefined && terminal.stdin.isTTY === true) {
    throw usageError('no value: write it after the key, or use --file FILE, or - for standard input');
  }
  const parts: Uint8Array[] = [];
  for await (const part of terminal.stdin) parts.push(part);
  return Buffer.concat(parts);
}
