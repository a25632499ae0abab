import { createRequire } from 'node:module';
import { createInterface } from 'node:readline/promises';
import { runProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };
const interrupted = new AbortController();
const people = process.stdin.isTTY === true && process.stderr.isTTY === true;

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal: interrupted.signal });
  } finally {
    lines.close();
  }
}

const terminal: Terminal = {
  out: (data) =>
    new Promise((resolve, reject) => process.stdout.write(data, (error) => (error ? reject(error) : resolve()))),
  err: (text) => void process.stderr.write(text),
  stdin: process.stdin,
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
  ...(people && { ask }),
  env: process.env,
  signal: interrupted.signal,
};

// A second Ctrl-C ends the process at once.
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());
// `ferrite scan | head`: the reader has gone, and that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

process.exitCode = await runProgram(process.argv.slice(2), version, terminal);
