import { type Client, type ClientConfig, openClient } from '@ferrite/client';
import { StoreError } from '@ferrite/errors';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from './exit-code.ts';
import { Failure } from './failure.ts';
import { toJsonLine } from './json.ts';
import { type GlobalOptions, serversOf } from './options.ts';
import type { Terminal } from './terminal.ts';

const NO_CLUSTER = 'To start a cluster here: npm start. To name another one: --server URL or FERRITE_SERVER.';

/** What a command works with. */
export interface Session {
  readonly terminal: Terminal;
  readonly globals: GlobalOptions;
  /** Opens the cluster; at most once a command. */
  open(config?: Partial<ClientConfig>): Promise<Client>;
  /** Prints the result: `value` as JSON with --json, else the text. */
  print(value: unknown, text: () => string): Promise<void>;
}

/** The body of a command. */
export type Run = (session: Session) => Promise<ExitCode>;

export function openSession(terminal: Terminal, command: Command): Session {
  const globals = command.optsWithGlobals<GlobalOptions>();
  return {
    terminal,
    globals,
    async open(config) {
      const { transport, timeout: timeoutMs, server } = globals;
      const { signal, env } = terminal;
      try {
        return await openClient({ servers: serversOf(server, env), transport, timeoutMs, signal, ...config });
      } catch (error) {
        if (!StoreError.is(error) || error.reason !== 'FABRIC_UNAVAILABLE') throw error;
        const { reason, effect, message } = error;
        throw new Failure(`${message} ${NO_CLUSTER}`, EXIT.failed, { reason, effect });
      }
    },
    print: (value, text) => terminal.out(globals.json === true ? toJsonLine(value) : text()),
  };
}
