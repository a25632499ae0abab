import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** One program under supervision. */
export interface ChildSpec {
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its output is appended here. */
  readonly logFile: string;
  readonly pidFile: string;
  readonly restart: boolean;
}

export const EXIT_CONFIG = 2;
export const EXIT_DEVICE = 3;

const FIRST_RESTART_MS = 500;
const LAST_RESTART_MS = 30_000;
/** A process that lived this long starts again at the shortest wait. */
const STABLE_MS = 60_000;
const STARTS_WITHOUT_SUCCESS_MAX = 3;

/**
 * A process that is started again when it dies, unless its device is damaged, restarting is off, or it never once came up.
 * It runs in a session of its own: a terminal's Ctrl-C reaches the supervisor alone, which then stops it in order.
 */
export class Child {
  readonly spec: ChildSpec;
  readonly #say: (line: string) => void;
  #process: ChildProcess | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #waitMs = FIRST_RESTART_MS;
  #startsInVain = 0;
  #stopping = false;
  #gone: (() => void) | undefined;

  /** Set by whoever saw it answer: from then on it is worth restarting. */
  cameUp = false;
  /** How it ended for good; undefined while it runs or will run again. */
  ended: number | NodeJS.Signals | undefined;

  constructor(spec: ChildSpec, say: (line: string) => void) {
    this.spec = spec;
    this.#say = say;
  }

  start(): void {
    const [program, ...args] = this.spec.command;
    const log = openSync(this.spec.logFile, 'a', 0o600);
    try {
      this.#process = spawn(program, args, { detached: true, env: this.spec.env, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
    this.#startedAtMs = Date.now();
    if (this.#process.pid !== undefined) writeFileSync(this.spec.pidFile, `${this.#process.pid}\n`);
    this.#process.once('error', (error) => this.#onEnd(1, error.message));
    this.#process.once('exit', (code, signal) => this.#onEnd(code ?? signal ?? 1));
  }

  /** Asks it to stop, and ends it by force after `graceMs`. Settles when it is gone; it is not started again. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    if (this.#process === undefined) return;
    const gone = new Promise<void>((resolve) => {
      this.#gone = resolve;
    });
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => {
      this.#say(`${this.spec.name} did not stop within ${graceMs / 1000} s and is killed; see ${this.spec.logFile}`);
      this.#process?.kill('SIGKILL');
    }, graceMs);
    await gone;
    clearTimeout(force);
  }

  /** Ends it at once, whatever it is doing. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  /** The last thing the program said to people (its structured log lines are not), or how it ended. */
  lastWords(): string {
    const said = readFileSync(this.spec.logFile, 'utf8')
      .split('\n')
      .findLast((line) => /^ferrite-\w+: /.test(line));
    return said?.replace(/^ferrite-\w+: /, '') ?? `see ${this.spec.logFile}`;
  }

  #onEnd(how: number | NodeJS.Signals, message?: string): void {
    this.#process = undefined;
    rmSync(this.spec.pidFile, { force: true });
    this.#gone?.();
    if (this.#stopping) return;
    const { name, logFile } = this.spec;
    const ending = typeof how === 'string' ? `was ended by ${how}` : `ended with exit code ${how}`;
    const why = message ?? (how === EXIT_CONFIG || how === EXIT_DEVICE ? this.lastWords() : `see ${logFile}`);
    this.#startsInVain = this.cameUp ? 0 : this.#startsInVain + 1;
    if (!this.#worthRestarting(how)) {
      this.ended = how;
      this.#say(`${name} ${ending} and stays down: ${why}`);
      return;
    }
    this.#waitMs = Date.now() - this.#startedAtMs > STABLE_MS ? FIRST_RESTART_MS : this.#waitMs;
    this.#say(`${name} ${ending}; it is started again in ${this.#waitMs / 1000} s (${why})`);
    this.#restartTimer = setTimeout(() => this.start(), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, LAST_RESTART_MS);
  }

  #worthRestarting(how: number | NodeJS.Signals): boolean {
    if (!this.spec.restart || how === EXIT_DEVICE) return false;
    return this.cameUp || (how !== EXIT_CONFIG && this.#startsInVain < STARTS_WITHOUT_SUCCESS_MAX);
  }
}
