import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const OUTPUT_WITHIN_MS = 120_000;

/**
 * Runs a program to its end and gives what it printed. Rejects with what it said if it fails or takes minutes. It does
 * not outlive this process.
 */
export async function output(program: string, args: readonly string[], withinMs = OUTPUT_WITHIN_MS): Promise<string> {
  const limits = { maxBuffer: 64 * 1024 * 1024, timeout: withinMs, killSignal: 'SIGKILL' } as const;
  const running = execute(program, [...args], limits);
  const end = (): void => void running.child.kill('SIGKILL');
  process.once('exit', end);
  try {
    return (await running).stdout;
  } finally {
    process.removeListener('exit', end);
  }
}

/** Starts a server that does not outlive this process, however that ends (short of SIGKILL). */
export function spawnOwned(program: string, args: readonly string[], stdio: StdioOptions): ChildProcess {
  // A script that asks for `node` gets this one.
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const child = spawn(program, [...args], { stdio, env: { ...process.env, PATH: path } });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.removeListener('exit', end));
  return child;
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A TCP port of the loopback interface that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
