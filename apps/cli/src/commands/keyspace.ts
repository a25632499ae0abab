import type { Consistency, Durability, Keyspace, KeyspaceSettings } from '@ferrite/client';
import { type Command, Option } from 'commander';
import { EXIT } from '../exit-code.ts';
import { Failure, usageError } from '../failure.ts';
import { parseAtLeastOne, parseDurationMs } from '../options.ts';
import { formatTable } from '../table.ts';
import { formatMs } from '../text.ts';
import type { Registry } from './register.ts';

interface SettingFlags {
  readonly replicationFactor?: number;
  readonly conflictPolicy?: 'siblings' | 'lww';
  readonly readConsistency?: Consistency;
  readonly writeConsistency?: Consistency;
  readonly durability?: Durability;
  readonly sloppyWrites?: boolean;
  readonly ttl?: number;
  readonly zoneRule?: 'prefer' | 'require';
}

export function addKeyspace(registry: Registry): void {
  const parent = registry.root.command('keyspace').description('create, list, change and delete keyspaces');

  registry.add<SettingFlags>(
    'create <name>',
    'create a keyspace',
    ['keyspace create photos', 'keyspace create cache --replication-factor 2 --durability memory'],
    withSettings,
    async (session, [name = ''], flags) => {
      await using client = await session.open();
      const keyspace = await client.keyspaces.create(name, settingsOf(flags));
      await session.print(keyspace, () => `created keyspace "${name}"\n${keyspaceTable([keyspace])}`);
      return EXIT.ok;
    },
    parent,
  );
  registry.add(
    'list',
    'list the keyspaces',
    ['keyspace list'],
    (command) => command,
    async (session) => {
      await using client = await session.open();
      const keyspaces = await client.keyspaces.list();
      await session.print({ keyspaces }, () => keyspaceTable(keyspaces));
      return EXIT.ok;
    },
    parent,
  );
  registry.add<SettingFlags>(
    'update <name>',
    'change the settings of a keyspace',
    ['keyspace update photos --read-consistency one'],
    withSettings,
    async (session, [name = ''], flags) => {
      const settings = settingsOf(flags);
      if (Object.keys(settings).length === 0) throw usageError('name at least one setting to change (see --help)');
      await using client = await session.open();
      const keyspace = await client.keyspaces.update(name, settings);
      await session.print(keyspace, () => keyspaceTable([keyspace]));
      return EXIT.ok;
    },
    parent,
  );
  registry.add<{ readonly yes?: true }>(
    'delete <name>',
    'delete a keyspace with all its keys',
    ['keyspace delete photos --yes'],
    (command) => command.option('-y, --yes', 'do not ask'),
    async (session, [name = ''], { yes }) => {
      const { ask } = session.terminal;
      if (yes !== true && ask !== undefined) {
        const answer = await ask(`Delete keyspace "${name}" and every key in it? Type its name: `);
        if (answer.trim() !== name) throw new Failure('nothing was deleted');
      }
      await using client = await session.open();
      await client.keyspaces.delete(name);
      await session.print({ deleted: name }, () => `deleted keyspace "${name}"\n`);
      return EXIT.ok;
    },
    parent,
  );
}

export function keyspaceTable(keyspaces: readonly Keyspace[]): string {
  const rows = keyspaces.map((keyspace) => [
    keyspace.name,
    `${keyspace.id}`,
    `${keyspace.replicationFactor}`,
    keyspace.conflictPolicy,
    keyspace.readConsistency,
    keyspace.writeConsistency,
    keyspace.durability,
    keyspace.ttlMs === 0 ? 'none' : formatMs(keyspace.ttlMs),
    keyspace.sloppyWrites ? 'yes' : 'no',
  ]);
  return formatTable(
    ['keyspace', '>id', '>replicas', 'conflicts', 'reads', 'writes', 'durability', 'ttl', 'sloppy'],
    rows,
  );
}

function withSettings(command: Command): Command {
  const levels = ['one', 'quorum', 'all'];
  return command
    .option('-r, --replication-factor <n>', 'copies of each key', parseAtLeastOne)
    .addOption(
      new Option('--conflict-policy <policy>', 'what becomes of concurrent values').choices(['siblings', 'lww']),
    )
    .addOption(new Option('--read-consistency <level>', 'for reads that name none').choices(levels))
    .addOption(new Option('--write-consistency <level>', 'for writes that name none').choices(levels))
    .addOption(new Option('--durability <level>', 'for writes that name none').choices(['device', 'memory']))
    .addOption(
      new Option('--zone-rule <rule>', 'replicas in different zones: where there is room, or else refuse').choices([
        'prefer',
        'require',
      ]),
    )
    .option('--ttl <time>', 'how long values live whose put does not say: 15m, 7d; 0: for good', parseDurationMs)
    .option('--sloppy-writes', 'count hinted writes (QUORUM then promises nothing)')
    .option('--no-sloppy-writes', 'count only replicas');
}

function settingsOf(flags: SettingFlags): KeyspaceSettings {
  const {
    replicationFactor,
    conflictPolicy,
    readConsistency,
    writeConsistency,
    durability,
    sloppyWrites,
    ttl,
    zoneRule,
  } = flags;
  return {
    ...(replicationFactor !== undefined && { replicationFactor }),
    ...(conflictPolicy && { conflictPolicy }),
    ...(readConsistency && { readConsistency }),
    ...(writeConsistency && { writeConsistency }),
    ...(durability && { durability }),
    ...(sloppyWrites !== undefined && { sloppyWrites }),
    ...(ttl !== undefined && { ttlMs: ttl }),
    ...(zoneRule && { zoneRule }),
  };
}
