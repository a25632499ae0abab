import { causeChain, StoreError } from '@ferrite/errors';
import { stringify } from 'yaml';
import { type CommandLine, helpText, parseCommandLine } from './command-line.ts';
import { loadConfig, printableConfig } from './config/load.ts';
import { doctor, doctorText } from './doctor.ts';
import { exitCodeOf } from './exit-code.ts';
import { openNodeServer } from './node-server.ts';
import { VERSION } from './version.ts';

/** The only file that touches `process`: arguments in, signals in, exit code out. */
async function main(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2));
  switch (command.action) {
    case 'help':
      return print(helpText());
    case 'version':
      return print(`${VERSION}\n`);
    case 'doctor': {
      const findings = await doctor();
      return print(command.json ? `${JSON.stringify(findings, undefined, 2)}\n` : doctorText(findings));
    }
    default:
      return await withConfig(command);
  }
}

async function withConfig(command: CommandLine): Promise<number> {
  const config = loadConfig({
    env: process.env,
    flags: command.flags,
    ...(command.file !== undefined && { file: command.file }),
  });
  if (command.action === 'print-config') return print(stringify(printableConfig(config)));
  if (command.action === 'check') return print('the configuration is valid\n');

  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));
  await using server = await openNodeServer(config, { stderr: process.stderr });
  const failure = await Promise.race([server.failed, aborted(stop.signal)]);
  if (failure === undefined) return 0;
  report(failure);
  return exitCodeOf(failure);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function report(error: unknown): void {
  if (StoreError.is(error)) {
    const causes = causeChain(error.cause).map(
      (cause) => `  because: ${cause instanceof Error ? cause.message : String(cause)}\n`,
    );
    process.stderr.write(`ferrite-node: ${error.message}\n${causes.join('')}`);
  } else {
    process.stderr.write(`ferrite-node: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
}

// A fault that nobody handled is a bug: say so and end; the log and the device are safe to reopen.
process.on('uncaughtException', (error) => {
  report(error);
  process.exit(exitCodeOf(error));
});

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    report(error);
    process.exit(exitCodeOf(error));
  },
);
