import type { Reason } from '@ferrite/errors';

/** Why `npm start` does not start: the reason, and words that already name the next step for this command. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
  readonly reason: Reason;
  /** What the process ends with; 2 wants a person to change something. */
  readonly exitCode: number;

  constructor(reason: Reason, message: string, options: { readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super(`${reason}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.exitCode = options.exitCode ?? 2;
  }
}
