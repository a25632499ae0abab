import { resolve } from 'node:path';
import { oneValue } from '@ferrite/client';
import { EXIT } from '../exit-code.ts';
import { SafeWriter, type Written } from '../files/safe-writer.ts';
import { keyspaceOption } from '../options.ts';
import { count, formatBytes, printable } from '../text.ts';
import type { Registry } from './register.ts';

interface ExportFlags {
  readonly keyspace: string;
  readonly prefix?: string;
  readonly overwrite?: true;
}

export function addExport(registry: Registry): void {
  registry.add<ExportFlags>(
    'export <dir>',
    'write every value as a file below DIR, its key as the path',
    ['export backup/ --keyspace headers', 'export backup/ --keyspace headers --prefix linux/ --overwrite'],
    (command) =>
      command
        .addOption(keyspaceOption())
        .option('-p, --prefix <p>', 'only keys that begin with this')
        .option('--overwrite', 'replace files that have other content')
        .addHelpText(
          'after',
          '\nNothing is written outside DIR: keys with "..", an absolute path, a NUL byte or too long a name, keys that are in each\nother\'s way, and keys with several values are named and skipped, and the exit code is 1.\n',
        ),
    async (session, [directory = '.'], { keyspace, prefix, overwrite }) => {
      const writer = new SafeWriter(Buffer.from(resolve(directory)), overwrite === true);
      await using client = await session.open();
      const refused: { path: string; reason: string }[] = [];
      let [written, unchanged, bytes] = [0, 0, 0];
      for await (const record of client.scan(keyspace, {
        ...(prefix !== undefined && { prefix: Buffer.from(prefix) }),
      })) {
        const value = oneValue(record);
        if (value.kind === 'absent') continue;
        const outcome: Written =
          value.kind === 'value'
            ? await writer.write(record.key, value.value)
            : { kind: 'refused', reason: `it has ${value.siblings.length} concurrent values (see: ferrite get)` };
        if (outcome.kind === 'refused') {
          refused.push({ path: printable(record.key), reason: outcome.reason });
          session.terminal.err(`${printable(record.key)}: skipped: ${outcome.reason}\n`);
        } else if (outcome.kind === 'unchanged') unchanged += 1;
        else {
          written += 1;
          bytes += value.kind === 'value' ? value.value.length : 0;
        }
      }
      await session.print({ keyspace, written, unchanged, bytes, refused }, () => {
        return `exported ${count(written, 'file')} (${formatBytes(bytes)}), ${unchanged} unchanged, ${refused.length} skipped\n`;
      });
      return refused.length === 0 ? EXIT.ok : EXIT.failed;
    },
  );
}
