import { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { openSession, type Session } from '../session.ts';
import type { Terminal } from '../terminal.ts';

/** Puts commands together: each ends with an exit code, which the last one that ran leaves in `exitCode`. */
export class Registry {
  readonly root: Command;
  readonly #terminal: Terminal;
  exitCode: ExitCode = EXIT.ok;

  constructor(root: Command, terminal: Terminal) {
    this.root = root;
    this.#terminal = terminal;
  }

  /** Adds `usage` (`get KEY` in commander's notation) below `parent`. */
  add<Options extends object>(
    usage: string,
    description: string,
    examples: readonly string[],
    define: (command: Command) => Command,
    run: (session: Session, args: readonly (string | undefined)[], options: Options) => Promise<ExitCode>,
    parent: Command = this.root,
  ): void {
    const command = parent.command(usage).description(description);
    if (examples.length > 0) {
      command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ferrite ${example}\n`).join('')}`);
    }
    define(command).action(async (...all: unknown[]) => {
      const self = all.at(-1) as Command;
      this.exitCode = await run(
        openSession(this.#terminal, self),
        self.processedArgs as (string | undefined)[],
        self.opts<Options>(),
      );
    });
  }
}
