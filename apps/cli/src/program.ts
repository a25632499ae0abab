import { Command, Option } from 'commander';
import { addDelete } from './commands/delete.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExport } from './commands/export.ts';
import { addGet } from './commands/get.ts';
import { addImport } from './commands/import.ts';
import { addKeyspace } from './commands/keyspace.ts';
import { addNode } from './commands/node.ts';
import { addPut } from './commands/put.ts';
import { Registry } from './commands/register.ts';
import { addScan } from './commands/scan.ts';
import { addScrub } from './commands/scrub.ts';
import { addStatus } from './commands/status.ts';
import { addTopology } from './commands/topology.ts';
import { addVerify } from './commands/verify.ts';
import { type ExitCode } from './exit-code.ts';
import { endingOf } from './failure.ts';
import { parseAtLeastOne } from './options.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  $ ferrite put hello world
  $ ferrite get hello
  $ ferrite import /usr/include --keyspace headers
  $ ferrite status

Exit codes: 0 done, 1 failed, 2 wrong command line, 4 key absent, 5 key has several concurrent values.
`;

/** Runs one command line (the arguments after the program's name) and gives its exit code. Never throws. */
export async function runProgram(args: readonly string[], version: string, terminal: Terminal): Promise<ExitCode> {
  const root = new Command('ferrite')
    .description('Talk to a Ferrite cluster.')
    .version(version)
    .addOption(
      new Option(
        '-s, --server <urls>',
        `any nodes or the admin API, separated by commas (env: FERRITE_SERVER; default: the local nodes, ports 7401 to 7403)`,
      ),
    )
    .addOption(
      new Option('--transport <kind>', 'how to reach the nodes for data')
        .choices(['fabric', 'connect'])
        .default('fabric'),
    )
    .option('--timeout <ms>', 'time for one operation, in milliseconds', parseAtLeastOne, 10_000)
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(see --help)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: (text) => void terminal.out(text), writeErr: (text) => terminal.err(text) });

  const registry = new Registry(root, terminal);
  for (const add of [addPut, addGet, addDelete, addScan, addImport, addExport, addVerify]) add(registry);
  for (const add of [addStatus, addTopology, addNode, addKeyspace, addScrub, addDoctor]) add(registry);
  try {
    await root.parseAsync(args, { from: 'user' });
    return registry.exitCode;
  } catch (error) {
    const { exitCode, text } = endingOf(error, args.includes('--json'), terminal.signal);
    if (text !== '') terminal.err(text);
    return exitCode;
  }
}
