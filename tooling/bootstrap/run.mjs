// npm start, npm test and the other root scripts: all set-up, then the program.
// Runs under any Node >= 20 and imports nothing that has to be installed first.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { COMMANDS } from './commands.mjs';
import { environment, pinnedNode, root } from './environment.mjs';
import { StepFailed, say } from './progress.mjs';
import { setUp } from './setup.mjs';

const [name = '', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command === undefined) {
  say(`unknown command '${name}'; there are: ${Object.keys(COMMANDS).join(', ')}`);
  process.exit(2);
}
try {
  await setUp(command.purposes, { build: command.build ?? true });
  if (command.own !== undefined) process.exitCode = await (await command.own()).run(args);
  else if (command.run !== undefined) process.exitCode = await become(command.run, args);
  else say('set up; npm start and npm test are ready');
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  say(error.message);
  process.exitCode = 1;
}

/** Stands in for exec: same terminal, signals handed on, the same end. */
async function become(nodeArgs, programArgs) {
  const child = spawn(pinnedNode, [...nodeArgs, ...programArgs], { cwd: root, env: environment(), stdio: 'inherit' });
  // A terminal's Ctrl-C already reaches the whole process group; a signal sent to this process alone does not.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  // npm hands a signal to the shell between us, which dies of it without a word.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 250).unref();
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
