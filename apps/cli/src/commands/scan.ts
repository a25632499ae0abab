import { EXIT } from '../exit-code.ts';
import { bytesFields, toJsonLine } from '../json.ts';
import { type KeyOptions, parseCount, parseKey, withKey } from '../options.ts';
import { preview, printable } from '../text.ts';
import type { Registry } from './register.ts';

interface ScanFlags extends KeyOptions {
  readonly prefix?: string;
  readonly limit: number;
  readonly values?: true;
}

export function addScan(registry: Registry): void {
  registry.add<ScanFlags>(
    'scan',
    'list keys, in the order of their hashes; with --json one document a line',
    ['scan', 'scan --prefix linux/ --keyspace headers --limit 10', 'scan --values --json'],
    (command) =>
      withKey(
        command
          .option('-p, --prefix <p>', 'only keys that begin with this; the nodes still read every key')
          .option('-n, --limit <n>', 'at most this many; 0: all', parseCount, 0)
          .option('--values', 'show the values too'),
      ),
    async (session, _args, options) => {
      const { json } = session.globals;
      const { consistency, prefix, limit, values = false } = options;
      await using client = await session.open();
      const records = client.scan(options.keyspace, {
        limit,
        values,
        ...(prefix !== undefined && { prefix: parseKey(prefix, options.keyEncoding) }),
        ...(consistency && { consistency }),
      });
      for await (const { key, siblings, context } of records) {
        if (json === true) {
          const found = values && { siblings: siblings.map(({ value }) => bytesFields('value', value)), context };
          await session.terminal.out(toJsonLine({ ...bytesFields('key', key), ...found }));
          continue;
        }
        await session.terminal.out(`${printable(key)}\n`);
        if (values) for (const { value } of siblings) await session.terminal.out(`    ${preview(value)}\n`);
      }
      return EXIT.ok;
    },
  );
}
