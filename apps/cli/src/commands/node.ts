import type { NewNode, Plan, TopologyChange } from '@ferrite/client';
import type { Command } from 'commander';
import { EXIT } from '../exit-code.ts';
import { usageError } from '../failure.ts';
import type { Session } from '../session.ts';
import { formatTable } from '../table.ts';
import { count, formatBytes } from '../text.ts';
import type { Registry } from './register.ts';

interface NewNodeFlags {
  readonly host?: string;
  readonly zone: string;
  readonly weight: number;
  readonly rpc: string;
  readonly fabric: string;
}

/** Commands that plan which nodes hold what. All but `commit` change nothing but the plan. */
export function addNode(registry: Registry): void {
  const parent = registry.root.command('node').description('plan which nodes hold what, and carry the plan out');
  const plan = <Options extends object>(
    usage: string,
    description: string,
    example: string,
    change: (args: readonly (string | undefined)[], options: Options) => TopologyChange,
    define: (command: Command) => Command = (command) => command,
  ): void =>
    registry.add<Options>(
      usage,
      description,
      [`node ${example}`],
      define,
      async (session, args, options) => {
        await using client = await session.open();
        await show(session, await client.plans.change(change(args, options)));
        return EXIT.ok;
      },
      parent,
    );

  plan<NewNodeFlags>(
    'plan-add <id>',
    'plan that a node joins',
    'plan-add n4 --host h4 --rpc 10.0.0.4:7401 --fabric 10.0.0.4:7501',
    ([id = ''], flags) => ({ type: 'join', node: newNode(id, flags) }),
    withNewNode,
  );
  plan('plan-remove <id>', 'plan that a node leaves, alive or dead', 'plan-remove n2', ([node = '']) => ({
    type: 'leave',
    node,
  }));
  plan<NewNodeFlags>(
    'plan-replace <id> <by>',
    'plan that a new node takes the place of another',
    'plan-replace n2 n5 --rpc 10.0.0.5:7401 --fabric 10.0.0.5:7501',
    ([node = '', by = ''], flags) => ({ type: 'replace', node, by: newNode(by, flags) }),
    withNewNode,
  );
  plan('drain <id>', 'plan that a node gives all it has to others, and stays', 'drain n2', ([node = '']) => {
    return { type: 'drain', node };
  });
  plan('resume <id>', 'plan that a drained node takes partitions again', 'resume n2', ([node = '']) => {
    return { type: 'resume', node };
  });
  plan(
    'plan-weight <id> <weight>',
    'plan another weight of a node',
    'plan-weight n2 1.5',
    ([node = '', weight = '']) => {
      return { type: 'reweight', node, weight: parseWeight(weight) };
    },
  );
  plan(
    'plan-zone <id> <zone> <host>',
    'plan that a node is elsewhere',
    'plan-zone n2 b h7',
    ([node = '', zone = '', host = '']) => {
      return { type: 'relocate', node, zone, host };
    },
  );
  plan(
    'plan-factor <keyspace> <copies>',
    'plan that a keyspace has more or fewer copies of each key',
    'plan-factor photos 5',
    ([keyspace = '', copies = '']) => {
      if (!/^[1-9]\d{0,2}$/.test(copies)) throw usageError(`"${copies}" is no number of copies`);
      return { type: 'factor', keyspace, replicationFactor: Number(copies) };
    },
  );
  registry.add(
    'plan',
    'show the plan: what moves, how many bytes, how long',
    ['node plan'],
    (command) => command,
    async (session) => {
      await using client = await session.open();
      await show(session, await client.plans.get());
      return EXIT.ok;
    },
    parent,
  );
  for (const verb of ['commit', 'discard'] as const) {
    registry.add(
      `${verb} <plan>`,
      verb === 'commit' ? 'carry the plan of this number out' : 'forget the plan of this number',
      [`node ${verb} 12`],
      (command) => command,
      async (session, [id = '']) => {
        if (!/^\d{1,15}$/.test(id)) throw usageError(`"${id}" is no number of a plan; see: ferrite node plan`);
        await using client = await session.open();
        await client.plans[verb](BigInt(id));
        const done = verb === 'commit' ? 'committed' : 'discarded';
        await session.print({ plan: id, [done]: true }, () => `plan ${id} ${done}\n`);
        return EXIT.ok;
      },
      parent,
    );
  }
}

function withNewNode(command: Command): Command {
  return command
    .requiredOption('--rpc <address>', 'where clients reach it, HOST:PORT')
    .requiredOption('--fabric <address>', 'where peers reach it, HOST:PORT')
    .option('--host <name>', 'the machine; nodes of one host fail together (default: the id)')
    .option('--zone <name>', 'the zone', 'a')
    .option('--weight <number>', 'its share relative to others', parseWeight, 1);
}

function newNode(id: string, { host = id, zone, weight, rpc, fabric }: NewNodeFlags): NewNode {
  return { id, host, zone, weight, rpcAddress: rpc, fabricAddress: fabric };
}

function parseWeight(text: string): number {
  const weight = Number(text);
  if (text !== '' && weight > 0 && Number.isFinite(weight)) return weight;
  throw usageError(`"${text}" is no weight; write a number above 0`);
}

async function show(session: Session, plan: Plan | undefined): Promise<void> {
  await session.print(plan ?? {}, () => (plan === undefined ? 'there is no plan\n' : describe(plan)));
}

/** Who gives and gets how much; the single partitions are in the JSON. */
function describe(plan: Plan): string {
  const nodes = new Map<string, { gives: number; gets: number; bytes: number }>();
  const of = (id: string): { gives: number; gets: number; bytes: number } => {
    const entry = nodes.get(id) ?? { gives: 0, gets: 0, bytes: 0 };
    nodes.set(id, entry);
    return entry;
  };
  for (const { from, to, bytes: size } of plan.moves) {
    for (const id of from) of(id).gives++;
    for (const id of to) {
      of(id).gets++;
      of(id).bytes += Number(size) / to.length;
    }
  }
  const rows = [...nodes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, entry]) => [id, `${entry.gives}`, `${entry.gets}`, formatBytes(entry.bytes)]);
  const seconds = Math.ceil(plan.estimatedMs / 1000);
  return [
    `plan ${plan.id}: ${count(plan.moves.length, 'partition')} change, ${formatBytes(Number(plan.bytes))} to copy, about ${seconds} s\n`,
    rows.length === 0 ? '' : `\n${formatTable(['node', '>gives', '>gets', '>to copy'], rows)}`,
    `\nferrite node commit ${plan.id} carries it out, ferrite node discard ${plan.id} forgets it\n`,
  ].join('');
}
