import { resolve } from 'node:path';
import type { Client } from '@ferrite/client';
import { RetryBudget, StoreError } from '@ferrite/errors';
import { EXIT } from '../exit-code.ts';
import { Failure } from '../failure.ts';
import { forEachBounded } from '../files/for-each-bounded.ts';
import { BYTES_IN_FLIGHT_MAX, FILE_RETRY_MS_MAX, FILES_IN_FLIGHT_MAX } from '../files/limits.ts';
import { storeFile } from '../files/store-file.ts';
import { type Found, formatSkipped, type Refused, walk } from '../files/walk.ts';
import { blindOption, consistencyOption, durabilityOption, keyspaceOption, type WriteFlags } from '../options.ts';
import { openProgress } from '../progress.ts';
import type { Session } from '../session.ts';
import { count, formatBytes, formatMs, printable } from '../text.ts';
import { writeOptions } from './put.ts';
import type { Registry } from './register.ts';

/** Enough that a node that dies under a full load of files fails none of them. */
export const importBudget = (): RetryBudget => new RetryBudget(1, 10_000);

interface Tally {
  stored: number;
  unchanged: number;
  bytes: number;
  readonly failed: Refused[];
}

export function addImport(registry: Registry): void {
  registry.add<Omit<WriteFlags, 'keyEncoding'>>(
    'import <dir>',
    'store every file below DIR under its relative path',
    ['import /usr/include --keyspace headers'],
    (command) =>
      command
        .addOption(keyspaceOption())
        .addOption(consistencyOption())
        .addOption(durabilityOption())
        .addOption(blindOption())
        .addHelpText('after', RULES),
    async (session, [directory = '.'], options) => {
      const started = performance.now();
      const found = await walk(Buffer.from(resolve(directory)), session.terminal.signal);
      await using client = await session.open({ retryBudget: importBudget() });
      await ensureKeyspace(session, client, options.keyspace);
      const tally = await storeAll(session, client, found, options);
      const failed = [...found.refused, ...tally.failed];
      const document = {
        keyspace: options.keyspace,
        stored: tally.stored,
        unchanged: tally.unchanged,
        bytes: tally.bytes,
        skipped: found.skipped,
        failed: failed.map(({ key, reason }) => ({ path: printable(key), reason })),
        seconds: (performance.now() - started) / 1000,
      };
      await session.print(document, () => {
        const skipped = formatSkipped(found.skipped);
        return [
          `imported ${count(tally.stored, 'file')} into "${options.keyspace}" (${formatBytes(tally.bytes)}, `,
          `${formatMs(performance.now() - started)}), ${tally.unchanged.toLocaleString('en')} unchanged, `,
          `${failed.length} not imported${skipped === '' ? '' : `; skipped ${skipped}`}\n`,
        ].join('');
      });
      return failed.length === 0 ? EXIT.ok : EXIT.failed;
    },
  );
}

const RULES = `
Links to files are followed, links to directories are not. Sockets, pipes, devices and links to nothing are skipped and
counted. Files over 8 MiB and paths over 1 KiB are named, the rest is imported, and the exit code is 1. A missing keyspace
is created. A file whose bytes are stored already, as the only value of its key, is left as it is; running an import again
therefore goes on where it stopped.
`;

async function ensureKeyspace(session: Session, client: Client, name: string): Promise<void> {
  if ((await client.keyspaces.list()).some((keyspace) => keyspace.name === name)) return;
  try {
    const { replicationFactor } = await client.keyspaces.create(name);
    session.terminal.err(`created keyspace "${name}" (replication factor ${replicationFactor})\n`);
  } catch (error) {
    if (!StoreError.is(error) || error.reason !== 'KEYSPACE_EXISTS') throw error;
  }
}

async function storeAll(
  session: Session,
  client: Client,
  found: Found,
  flags: Omit<WriteFlags, 'keyEncoding'>,
): Promise<Tally> {
  const { signal } = session.terminal;
  const tally: Tally = { stored: 0, unchanged: 0, bytes: 0, failed: [] };
  const { context: _, ...write } = writeOptions(flags);
  let workedAt = performance.now();
  using progress = openProgress(session, 'importing', found.files.length);
  const name = (refused: Refused): void => progress.note(`${printable(refused.key)}: not imported: ${refused.reason}`);
  for (const refused of found.refused) name(refused);

  await forEachBounded(found.files, { count: FILES_IN_FLIGHT_MAX, bytes: BYTES_IN_FLIGHT_MAX }, async (file) => {
    const outcome = await storeFile({ client, keyspace: flags.keyspace, write, signal }, file);
    progress.step();
    if ('bytes' in outcome) {
      tally[outcome.kind] += 1;
      if (outcome.kind === 'stored') tally.bytes += outcome.bytes;
      workedAt = performance.now();
      return;
    }
    const refused = { key: file.key, reason: outcome.reason };
    tally.failed.push(refused);
    name(refused);
    if (outcome.kind === 'unavailable' && performance.now() - workedAt > FILE_RETRY_MS_MAX) {
      const done = count(tally.stored + tally.unchanged, 'file');
      throw new Failure(
        `stopped: no file could be stored for ${formatMs(FILE_RETRY_MS_MAX)} (${outcome.reason}) ${done} are stored; the same command goes on from there`,
      );
    }
  });
  return tally;
}
