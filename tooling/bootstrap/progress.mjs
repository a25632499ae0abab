// Running a step: one progress line, the whole output in .cache/log, shown when the step fails.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, environment, root } from './environment.mjs';

/** What ends a command with a message for people and no stack. */
export class StepFailed extends Error {}

export function say(text) {
  process.stderr.write(`ferrite: ${text}\n`);
}

export const seconds = (startedMs) => `${((Date.now() - startedMs) / 1000).toFixed(1)} s`;

/**
 * Runs a program to its end with its output in `.cache/log/<name>.log`.
 *
 * @returns its exit code (1 for a signal or a program that cannot be started)
 */
export async function runLogged(name, command, args, { cwd = root, env = {}, append = false } = {}) {
  mkdirSync(join(cacheDir, 'log'), { recursive: true });
  const path = logPath(name);
  const log = createWriteStream(path, { flags: append ? 'a' : 'w' });
  log.write(`$ ${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      log.write(`${error.message}\n`);
      resolve(1);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
  await new Promise((resolve) => log.end(resolve));
  return code;
}

/** Runs a program as one step of the set-up: says so, times it, and throws `StepFailed` with the log's end. */
export async function step(title, name, command, args, options) {
  say(`${title} …`);
  const started = Date.now();
  if ((await runLogged(name, command, args, options)) !== 0) throw new StepFailed(failure(title, name));
  say(`${title}: done in ${seconds(started)}`);
}

export function failure(title, name) {
  return `${title}: failed. The end of ${relativeLog(name)}:\n\n${logTail(name)}\n`;
}

export function logTail(name, lines = 60) {
  return readFileSync(logPath(name), 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

export const relativeLog = (name) => `.cache/log/${name}.log`;
const logPath = (name) => join(root, relativeLog(name));
