import { writeFile } from 'node:fs/promises';
import type { GetResult, Sibling } from '@ferrite/client';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { Failure, usageError } from '../failure.ts';
import { bytesFields } from '../json.ts';
import { type KeyOptions, parseAtLeastOne, parseKey, withKey } from '../options.ts';
import type { Session } from '../session.ts';
import { formatTable } from '../table.ts';
import { formatBytes, preview } from '../text.ts';
import type { Registry } from './register.ts';

interface GetFlags extends KeyOptions {
  readonly out?: string;
  readonly sibling?: number;
}

export function addGet(registry: Registry): void {
  registry.add<GetFlags>(
    'get <key>',
    'print a value; absent: exit 4; several concurrent values: a listing and exit 5',
    [
      'get hello',
      'get photo --out cat.jpg --keyspace photos',
      'get hello --sibling 2',
      'get hello --consistency one --json',
    ],
    (command) =>
      withKey(
        command
          .option('-o, --out <file>', 'write the value to a file')
          .option('--sibling <n>', 'of several values, the one with this number', parseAtLeastOne),
      ),
    async (session, [name = ''], options) => {
      const key = parseKey(name, options.keyEncoding);
      await using client = await session.open();
      const { consistency } = options;
      const result = await client.get(options.keyspace, key, { ...(consistency && { consistency }) });
      if (result.siblings.length === 0) return await absent(session, key, options, result);
      const chosen = choose(result, options.sibling);
      if (chosen === undefined) return await list(session, key, result);
      return await give(session, key, result, chosen, options);
    },
  );
}

function choose({ siblings, moreSiblings }: GetResult, number: number | undefined): Sibling | undefined {
  if (number === undefined) return siblings.length === 1 && !moreSiblings ? siblings[0] : undefined;
  const chosen = siblings[number - 1];
  if (chosen === undefined) throw usageError(`there is no sibling ${number}; there are ${siblings.length}`);
  return chosen;
}

async function absent(
  session: Session,
  key: Uint8Array,
  { keyspace }: GetFlags,
  { context }: GetResult,
): Promise<ExitCode> {
  session.terminal.err(`${preview(key)} is not in keyspace "${keyspace}"\n`);
  if (session.globals.json === true)
    await session.print({ found: false, ...bytesFields('key', key), siblings: [], context }, String);
  return EXIT.absent;
}

async function list(
  session: Session,
  key: Uint8Array,
  { siblings, context, moreSiblings }: GetResult,
): Promise<ExitCode> {
  const document = {
    found: true,
    ...bytesFields('key', key),
    siblings: siblings.map(siblingFields),
    context,
    moreSiblings,
  };
  await session.print(document, () => {
    const rows = siblings.map(({ value, writtenAt }, index) => [
      `${index + 1}`,
      formatBytes(value.length),
      writtenAt?.toISOString() ?? '',
      preview(value),
    ]);
    return formatTable(['>no', '>size', 'written', 'value'], rows);
  });
  const more = moreSiblings ? ', and more that did not fit into the answer' : '';
  session.terminal.err(
    `${preview(key)} has ${siblings.length} concurrent values${more}. Print one with --sibling N; a put replaces all that are listed.\n`,
  );
  return EXIT.siblings;
}

async function give(
  session: Session,
  key: Uint8Array,
  result: GetResult,
  sibling: Sibling,
  flags: GetFlags,
): Promise<ExitCode> {
  const { value } = sibling;
  if (flags.out !== undefined) {
    await writeFile(flags.out, value).catch((error: Error) => {
      throw new Failure(`cannot write the value: ${error.message}`);
    });
  }
  const { context } = result;
  if (session.globals.json === true) {
    const fields = flags.out === undefined ? siblingFields(sibling) : { out: flags.out, bytes: value.length };
    await session.print({ found: true, ...bytesFields('key', key), ...fields, context }, String);
  } else if (flags.out === undefined) {
    await session.terminal.out(value);
    if (session.terminal.outIsTerminal && value.at(-1) !== 0x0a) await session.terminal.out('\n');
  }
  return EXIT.ok;
}

function siblingFields({ value, writtenAt }: Sibling): object {
  return { ...bytesFields('value', value), bytes: value.length, ...(writtenAt && { writtenAt }) };
}
