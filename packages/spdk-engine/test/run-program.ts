import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program of `test/programs/` ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Starts a program of `test/programs/` from source, with garbage collection at hand. */
export function startProgram(name: string, ...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const [command = '', ...rest] = commandLine(name, args);
  return start(command, rest);
}

/** Runs a program to its end. */
export function runProgram(name: string, ...args: string[]): Promise<Ended> {
  return startProgram(name, ...args).ended;
}

/** Runs a program that can write no byte of a file beyond this many KiB (EFBIG): a real device that fails for it. */
export function runWithFileLimit(limitKiB: number, name: string, ...args: string[]): Promise<Ended> {
  return start('bash', ['-c', `trap '' XFSZ; ulimit -f ${limitKiB}; exec "$@"`, 'bash', ...commandLine(name, args)])
    .ended;
}

function commandLine(name: string, args: readonly string[]): string[] {
  const path = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
  return [process.execPath, '--conditions=@ferrite/source', '--expose-gc', path, ...args];
}

function start(command: string, args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
  return { child, ended };
}
