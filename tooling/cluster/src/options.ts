import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StartRefused } from './start-refused.ts';

/** What `npm start` was asked for. Absent numbers follow the data that is there, or the defaults. */
export interface StartOptions {
  readonly help: boolean;
  readonly nodes?: number;
  /** Absolute. */
  readonly data: string;
  readonly portBase?: number;
  readonly restart: boolean;
}

export const NODES_DEFAULT = 3;
export const NODES_MAX = 32;
export const PORT_BASE_DEFAULT = 7400;
/** Metrics ports end at base + 200 + nodes. */
const PORT_BASE_MAX = 65_535 - 200 - NODES_MAX;

export const HELP = `npm start: a Ferrite cluster on this machine, each node its own process

Usage
  npm start [-- OPTIONS]

Options
  --nodes N         how many nodes (${NODES_DEFAULT}; 1 to ${NODES_MAX})
  --data DIR        where data, configurations, logs and pid files live (.ferrite)
  --port-base PORT  admin API on PORT, node i on PORT+i (RPC), PORT+100+i (fabric), PORT+200+i (metrics, health) (${PORT_BASE_DEFAULT})
  --no-restart      leave a node that died dead
  --help

Ctrl-C stops every node cleanly; the next start finds the data again. A node that dies is restarted, unless its device is
damaged (exit code 3). DIR/nI.yaml is written once and then yours to edit; DIR/nI.log says what node I does.
`;

/** Reads the arguments. Throws `CONFIG_INVALID` that says what would be right. */
export function parseOptions(args: readonly string[], cwd: string): StartOptions {
  const values = parse(args);
  const nodes = integer('--nodes', values.nodes, 1, NODES_MAX);
  const portBase = integer('--port-base', values['port-base'], 1, PORT_BASE_MAX);
  return {
    help: values.help ?? false,
    data: resolve(cwd, values.data ?? '.ferrite'),
    restart: !(values['no-restart'] ?? false),
    ...(nodes !== undefined && { nodes }),
    ...(portBase !== undefined && { portBase }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        nodes: { type: 'string' },
        data: { type: 'string' },
        'port-base': { type: 'string' },
        'no-restart': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    const [message = ''] = (cause as Error).message.split('. ');
    throw new StartRefused('CONFIG_INVALID', `${message} (see npm start -- --help)`, { cause });
  }
}

function integer(flag: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new StartRefused('CONFIG_INVALID', `${flag} ${text}: give a whole number from ${min} to ${max}`);
}
