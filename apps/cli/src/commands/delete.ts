import { EXIT } from '../exit-code.ts';
import { bytesFields } from '../json.ts';
import { parseKey, type WriteFlags, withWrite } from '../options.ts';
import { count, preview } from '../text.ts';
import { writeOptions } from './put.ts';
import type { Registry } from './register.ts';

export function addDelete(registry: Registry): void {
  registry.add<WriteFlags>(
    'delete <key>',
    'delete what is there now; an absent key is no failure',
    ['delete hello', 'delete aGVsbG8= --key-encoding base64'],
    withWrite,
    async (session, [name = ''], options) => {
      const key = parseKey(name, options.keyEncoding);
      await using client = await session.open();
      const result = await client.delete(options.keyspace, key, writeOptions(options));
      await session.print({ ...bytesFields('key', key), ...result }, () => {
        return `deleted ${preview(key)}: ${count(result.ackedReplicas, 'replica')}, ${result.durableReplicas} durable\n`;
      });
      return EXIT.ok;
    },
  );
}
