import { parseArgs } from 'node:util';
import { StoreError } from '@ferrite/errors';

/** What the command line asks for. */
export interface CommandLine {
  readonly help: boolean;
  readonly listen: string;
  readonly nodes: readonly string[];
}

export const HELP = `ferrite-admin: the admin API of a Ferrite cluster

Usage
  ferrite-admin [--listen HOST:PORT] [--nodes URL[,URL...]]

Options
  --listen HOST:PORT   where to listen (127.0.0.1:7400)
  --nodes URL,...      RPC addresses of some nodes; the others are learnt from them
                       (http://127.0.0.1:7401,http://127.0.0.1:7402,http://127.0.0.1:7403)
  -h, --help

Exit codes
  0 stopped cleanly   1 failed   2 configuration is wrong
`;

const DEFAULT_NODES = [7401, 7402, 7403].map((port) => `http://127.0.0.1:${port}`).join(',');

/** Reads the arguments after the program's name. Throws `CONFIG_INVALID` for what it does not know. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  let values: { help?: boolean; listen?: string; nodes?: string };
  try {
    const help = { type: 'boolean', short: 'h' } as const;
    ({ values } = parseArgs({
      args: [...args],
      options: { help, listen: { type: 'string' }, nodes: { type: 'string' } },
    }));
  } catch (cause) {
    const [message = ''] = (cause as Error).message.split('. ');
    throw new StoreError('CONFIG_INVALID', { message: `${message} (see --help)`, cause });
  }
  const listen = values.listen ?? '127.0.0.1:7400';
  if (!/^(127\.[\d.]+|localhost|\[::1\]):\d+$/.test(listen)) {
    throw new StoreError('CONFIG_INVALID', {
      message: `--listen ${listen}: without TLS the admin API listens on loopback only`,
    });
  }
  const nodes = (values.nodes ?? DEFAULT_NODES).split(',');
  for (const url of nodes) {
    if (!URL.canParse(url))
      throw new StoreError('CONFIG_INVALID', { message: `--nodes: ${JSON.stringify(url)} is no URL` });
  }
  return { help: values.help === true, listen, nodes };
}
