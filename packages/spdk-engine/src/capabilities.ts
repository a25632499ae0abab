import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REASONS, type Reason, StoreError } from '@ferrite/errors';
import { binding, spdkBinding } from './binding.ts';

/** One thing this host can do or not, and for a "not" the reason and the command or step that mends it. */
export type Capability =
  | { readonly available: true }
  | { readonly available: false; readonly why: string; readonly mend: string; readonly reason?: Reason };

/** A limit of this process: a number, or `unlimited`. */
export type Limit = number | 'unlimited';

/** What the engine finds on this host. */
export interface Capabilities {
  /** io_uring: the fast driver. Without it the engine uses a pool of threads. */
  readonly uring: Capability;
  /** Files opened with O_DIRECT in the directory asked about: without it the page cache lies below the engine. */
  readonly directIo: Capability;
  /** SPDK, with its version. Asking loads its libraries. */
  readonly spdk: Exclude<Capability, { available: true }> | { readonly available: true; readonly version: string };
  readonly limits: { readonly lockedMemoryBytes: Limit; readonly openFiles: Limit };
}

/** Looks at this host, without opening any image. `directory` is where images will lie (default: that of temporary files). */
export function capabilities(directory: string = tmpdir()): Capabilities {
  const { available, why, mend } = binding().probeUring();
  return {
    uring: available ? { available } : { available, why, mend },
    directIo: directIoCapability(directory),
    spdk: spdkCapability(),
    limits: limitsFrom(readOrEmpty('/proc/self/limits')),
  };
}

/** Reads the table of `/proc/self/limits`. */
export function limitsFrom(table: string): Capabilities['limits'] {
  const limit = (name: string): Limit => {
    const soft = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(table)?.[1];
    return soft === undefined || soft === 'unlimited' ? 'unlimited' : Number(soft);
  };
  return { lockedMemoryBytes: limit('Max locked memory'), openFiles: limit('Max open files') };
}

function spdkCapability(): Capabilities['spdk'] {
  try {
    return { available: true, version: spdkBinding().probeSpdk().version };
  } catch (error) {
    if (!StoreError.is(error) || error.reason !== 'SPDK_NOT_INSTALLED') throw error;
    return { available: false, reason: error.reason, why: error.message, mend: REASONS[error.reason].nextStep };
  }
}

function directIoCapability(directory: string): Capability {
  let probe: string | undefined;
  try {
    probe = mkdtempSync(join(directory, '.ferrite-probe-'));
    const { O_CREAT, O_RDWR, O_DIRECT } = constants;
    closeSync(openSync(join(probe, 'file'), O_CREAT | O_RDWR | O_DIRECT, 0o600));
    return { available: true };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const mend =
      probe === undefined
        ? `Grant write permission: chmod u+w ${directory}`
        : 'Put the image on a file system with direct I/O (ext4, xfs), or on a block device.';
    return { available: false, why, mend };
  } finally {
    if (probe !== undefined) rmSync(probe, { recursive: true, force: true });
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
