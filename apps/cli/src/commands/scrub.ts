import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ScrubState } from '@ferrite/client';
import { InvalidArgumentError } from 'commander';
import { EXIT } from '../exit-code.ts';
import { formatTable } from '../table.ts';
import { formatBytes } from '../text.ts';
import type { Registry } from './register.ts';

const LOOK_EVERY_MS = 500;

interface Flags {
  readonly rate?: number;
  readonly wait: boolean;
}

/** A node and how its scrub stands; `error` if it does not say. */
interface Row {
  readonly id: string;
  readonly scrub?: ScrubState;
  readonly error?: string;
}

export function addScrub(registry: Registry): void {
  registry.add<Flags>(
    'scrub [node]',
    'read all that a device holds, and mend from other replicas what cannot be read',
    ['scrub', 'scrub n2 --rate 8388608'],
    (command) =>
      command
        .option('--rate <bytes>', 'bytes a second (32 MiB)', parseRate)
        .option('--no-wait', 'begin it and do not wait for its end; ferrite status --json tells how it stands')
        .addHelpText(
          'after',
          '\nThe exit code is 1 if a scrub ends early. Damage that was found and is mended is no failure.\n',
        ),
    async (session, [node], { rate, wait }) => {
      await using client = await session.open();
      const ids = node === undefined ? (await client.topology()).members.map(({ id }) => id) : [node];
      const options = rate === undefined ? {} : { bytesPerSecond: rate };
      const begun = await Promise.all(
        ids.map(async (id): Promise<Row> => ({ id, scrub: await client.scrub(id, options) })),
      );
      const rows = wait ? await ended(client, ids) : begun;
      await session.print({ nodes: rows }, () => table(rows));
      return rows.some(({ scrub, error }) => error !== undefined || scrub?.failure !== '') ? EXIT.failed : EXIT.ok;
    },
  );
}

/** Waits until no scrub of these nodes runs any more. */
async function ended(client: Client, ids: readonly string[]): Promise<readonly Row[]> {
  for (;;) {
    const states = (await client.nodes()).filter(({ member }) => ids.includes(member.id));
    if (states.every(({ status }) => status?.scrub.running !== true)) {
      return states.map(({ member, status, error = 'no answer' }) => {
        return { id: member.id, ...(status === undefined ? { error } : { scrub: status.scrub }) };
      });
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function table(rows: readonly Row[]): string {
  return formatTable(
    ['node', 'scrub', '>read', '>damaged records'],
    rows.map(({ id, scrub, error = '' }) => {
      if (scrub === undefined) return [id, error];
      const state = scrub.running ? 'running' : scrub.failure || 'done';
      return [id, state, formatBytes(scrub.bytes), `${scrub.damagedRecords}`];
    }),
  );
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (Number.isSafeInteger(rate) && rate >= 4096) return rate;
  throw new InvalidArgumentError('Give bytes a second, at least 4096.');
}
