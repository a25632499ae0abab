import { StoreError } from '@ferrite/errors';
import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-code.ts';
import { toJsonLine } from './json.ts';

/** What went wrong and what to do next, in words for the person at the terminal; never shown with a stack. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  /** Shown beside the message with --json. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(message: string, exitCode: ExitCode = EXIT.failed, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.exitCode = exitCode;
    this.fields = fields;
  }
}

/** A wrong command line. */
export function usageError(message: string): Failure {
  return new Failure(message, EXIT.usage);
}

/** How a command ended: its exit code and, unless all is said already, the text for standard error. */
export interface Ending {
  readonly exitCode: ExitCode;
  readonly text: string;
}

/** Maps whatever a command threw. A fault of the program itself is reported as such. */
export function endingOf(error: unknown, json: boolean, signal: AbortSignal): Ending {
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, text: '' };
  if (signal.aborted) return { exitCode: EXIT.interrupted, text: 'interrupted\n' };
  const { exitCode, message, fields } = describe(error);
  return { exitCode, text: json ? toJsonLine({ error: { message, ...fields } }) : `ferrite: ${message}\n` };
}

function describe(error: unknown): { exitCode: ExitCode; message: string; fields: Record<string, unknown> } {
  if (error instanceof Failure) return { exitCode: error.exitCode, message: error.message, fields: error.fields };
  if (StoreError.is(error)) {
    const { reason, effect } = error;
    const exitCode = reason === 'ARGUMENT_INVALID' ? EXIT.usage : EXIT.failed;
    const doubt = effect === 'unknown' ? ' The write is in doubt: it may have happened.' : '';
    return { exitCode, message: `${error.message}${doubt}`, fields: { reason, effect } };
  }
  if (isSystemError(error)) return { exitCode: EXIT.failed, message: error.message, fields: { reason: error.code } };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    exitCode: EXIT.failed,
    message: `INTERNAL: ${message}. Please report this.`,
    fields: { reason: 'INTERNAL' },
  };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string' && 'errno' in error;
}
