import type { WriteOptions } from '@ferrite/client';
import { EXIT } from '../exit-code.ts';
import { bytesFields } from '../json.ts';
import { parseContext, parseDurationMs, parseKey, type WriteFlags, withWrite } from '../options.ts';
import { count, formatBytes, preview } from '../text.ts';
import type { Registry } from './register.ts';
import { readValue } from './value-source.ts';

export function addPut(registry: Registry): void {
  registry.add<WriteFlags & { readonly file?: string; readonly ttl?: number }>(
    'put <key> [value]',
    'store a value; what is there now is read first and replaced',
    [
      'put hello world',
      'put photo --file cat.jpg --keyspace photos',
      'date | ferrite put now -',
      'put hello other --blind   # a sibling',
      'put session abc --ttl 30m',
    ],
    (command) =>
      withWrite(
        command
          .option('-f, --file <file>', 'take the value from a file')
          .option('--ttl <time>', 'how long the value lives: 90s, 15m, 12h, 7d', parseDurationMs),
      ),
    async (session, [name = '', argument], options) => {
      const key = parseKey(name, options.keyEncoding);
      const value = await readValue(argument, options.file, session.terminal);
      await using client = await session.open();
      const { ttl } = options;
      const result = await client.put(options.keyspace, key, value, {
        ...writeOptions(options),
        ...(ttl !== undefined && { ttlMs: ttl }),
      });
      await session.print({ ...bytesFields('key', key), bytes: value.length, ...result }, () => {
        const { ackedReplicas, durableReplicas } = result;
        return `stored ${preview(key)} (${formatBytes(value.length)}): ${count(ackedReplicas, 'replica')}, ${durableReplicas} durable\n`;
      });
      return EXIT.ok;
    },
  );
}

/** The client's options for what the flags say. */
export function writeOptions(flags: Omit<WriteFlags, 'keyspace' | 'keyEncoding'>): WriteOptions {
  const { consistency, durability, context, blind } = flags;
  return {
    ...(consistency && { consistency }),
    ...(durability && { durability }),
    ...(context !== undefined && { context: parseContext(context) }),
    ...(blind && { blind }),
  };
}
