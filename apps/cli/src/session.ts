import { type Client, type ClientConfig, openClient } from '@ferrite/client';
import type { Command } from 'commander';
import type { ExitCode } from './exit-code.ts';
import { type GlobalOptions, serversOf } from './options.ts';
import { toJsonLine } from './json.ts';
import type { Terminal } from './terminal.ts';

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
    open: (config) =>
      openClient({
        servers: serversOf(globals.server, terminal.env),
        transport: globals.transport,
        timeoutMs: globals.timeout,
        signal: terminal.signal,
        ...config,
      }),
    print: (value, text) => terminal.out(globals.json === true ? toJsonLine(value) : text()),
  };
}
