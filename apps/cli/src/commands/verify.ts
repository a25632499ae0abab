import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Client, equalBytes, oneValue } from '@ferrite/client';
import { StoreError } from '@ferrite/errors';
import { EXIT } from '../exit-code.ts';
import { forEachBounded } from '../files/for-each-bounded.ts';
import { BYTES_IN_FLIGHT_MAX, FILE_RETRY_MS_MAX, FILES_IN_FLIGHT_MAX } from '../files/limits.ts';
import { type FoundFile, formatSkipped, messageOf, type Refused, walk } from '../files/walk.ts';
import { keyspaceOption } from '../options.ts';
import { openProgress } from '../progress.ts';
import { count, formatBytes, formatMs, printable } from '../text.ts';
import { importBudget } from './import.ts';
import type { Registry } from './register.ts';

interface VerifyFlags {
  readonly keyspace: string;
  readonly subset?: true;
}

export function addVerify(registry: Registry): void {
  registry.add<VerifyFlags>(
    'verify <dir>',
    'compare every file below DIR with the value stored under its path',
    ['verify /usr/include --keyspace headers', 'verify part/ --keyspace all --subset'],
    (command) =>
      command
        .addOption(keyspaceOption())
        .option('--subset', 'let the keyspace hold keys that are no files of DIR')
        .addHelpText(
          'after',
          '\nThe rules of import apply. Every difference is named; any difference: exit 1. Reads ask a quorum.\n',
        ),
    async (session, [directory = '.'], { keyspace, subset }) => {
      const started = performance.now();
      const found = await walk(Buffer.from(resolve(directory)), session.terminal.signal);
      await using client = await session.open({ retryBudget: importBudget() });
      const differences: Refused[] = [];
      let [equal, bytes, workedAt] = [0, 0, started];
      {
        using progress = openProgress(session, 'verifying', found.files.length);
        const note = (difference: Refused): void => {
          differences.push(difference);
          progress.note(`${printable(difference.key)}: ${difference.reason}`);
        };
        for (const { key, reason } of found.refused) note({ key, reason: `not stored: ${reason}` });
        await forEachBounded(found.files, { count: FILES_IN_FLIGHT_MAX, bytes: BYTES_IN_FLIGHT_MAX }, async (file) => {
          const reason = await compare(client, keyspace, file).catch((error: unknown) => {
            const outage = performance.now() - workedAt > FILE_RETRY_MS_MAX;
            if (outage || !StoreError.is(error) || error.reason === 'KEYSPACE_NOT_FOUND') throw error;
            return `cannot be compared: ${error.message}`;
          });
          progress.step();
          if (reason !== undefined) return note({ key: file.key, reason });
          workedAt = performance.now();
          equal += 1;
          bytes += file.bytes;
        });
        if (subset !== true) {
          const files = new Set([...found.files, ...found.refused].map(({ key }) => key.toString('latin1')));
          for await (const { key } of client.scan(keyspace, { values: false })) {
            const bytesOfKey = Buffer.from(key);
            if (!files.has(bytesOfKey.toString('latin1')))
              note({ key: bytesOfKey, reason: 'is stored but is no file' });
          }
        }
      }
      const document = {
        keyspace,
        equal,
        bytes,
        skipped: found.skipped,
        differences: differences.map(({ key, reason }) => ({ path: printable(key), reason })),
        seconds: (performance.now() - started) / 1000,
      };
      await session.print(document, () => {
        const skipped = formatSkipped(found.skipped);
        return [
          `${count(equal, 'file')} of "${keyspace}" equal, byte for byte (${formatBytes(bytes)}, ${formatMs(performance.now() - started)}), `,
          `${count(differences.length, 'difference')}${skipped === '' ? '' : `; skipped ${skipped}`}\n`,
        ].join('');
      });
      return differences.length === 0 ? EXIT.ok : EXIT.failed;
    },
  );
}

/** How the stored value differs from the file, if it does. Throws what the read throws. */
async function compare(client: Client, keyspace: string, file: FoundFile): Promise<string | undefined> {
  let expected: Uint8Array;
  try {
    expected = await readFile(file.path);
  } catch (error) {
    return `cannot be read: ${messageOf(error)}`;
  }
  const read = await client.get(keyspace, file.key, { consistency: 'quorum', timeoutMs: FILE_RETRY_MS_MAX });
  const found = oneValue(read);
  if (found.kind === 'absent') return 'is not stored';
  if (found.kind === 'siblings') return `has ${found.siblings.length} different concurrent values`;
  if (equalBytes(found.value, expected)) return undefined;
  const [stored, own] = [found.value.length, expected.length];
  return stored === own ? 'differs' : `differs: ${count(stored, 'byte')} stored, ${count(own, 'byte')} in the file`;
}
