import { StoreError } from '@ferrite/errors';
import { openLog } from '@ferrite/telemetry';
import { openAdminServer } from './admin-server.ts';
import { HELP, parseCommandLine } from './command-line.ts';

/** The only file that touches `process`. */
async function main(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const log = openLog({ level: 'info', format: 'ecs', destination: process.stderr });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  await using server = await openAdminServer({ ...command, log });
  log.info('ready', { admin: server.address });
  await stopped;
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = StoreError.is(error);
    process.stderr.write(`ferrite-admin: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
    process.exit(known && ['CONFIG_INVALID', 'ADDRESS_IN_USE'].includes(error.reason) ? 2 : 1);
  },
);
