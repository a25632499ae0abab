import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { invariant, StoreError } from '@ferrite/errors';
import type { Engine } from './engine.ts';
import type { SnapshotOptions } from './snapshot.ts';
import { SnapshotDecoder } from './snapshot-decoder.ts';
import type { SnapshotReport } from './snapshot-format.ts';

/** Where a snapshot comes from: its bytes in chunks of any size (borrowed until the next is asked for), or a file. */
export type SnapshotSource = AsyncIterable<Uint8Array> | string;

/**
 * Writes a snapshot to a file, which appears under its name only when it is whole and durable; until then it is
 * `PATH.partial`, removed on failure. An existing file is replaced. Throws what `engine.snapshot` does, and
 * `PATH_NOT_WRITABLE`.
 */
export async function snapshotToFile(
  engine: Engine,
  path: string,
  options: SnapshotOptions = {},
): Promise<SnapshotReport> {
  const partial = `${path}.partial`;
  const file = await open(partial, 'w').catch((cause: unknown) => {
    throw new StoreError('PATH_NOT_WRITABLE', { message: `${partial} cannot be written`, cause });
  });
  try {
    let report: SnapshotReport | undefined;
    const snapshot = reporting(engine.snapshot(options), (whole) => {
      report = whole;
    });
    for await (const block of snapshot) await file.writeFile(block);
    invariant(report !== undefined, 'INV-ENGINE-SNAPSHOT', 'a snapshot ended without a report');
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncDirectory(dirname(path));
    return report;
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw error;
  }
}

/**
 * Reads a snapshot to its end and says what it is. Throws `FORMAT_UNKNOWN`, or `CHECKSUM_MISMATCH` when any of it is
 * damaged or missing.
 */
export async function verifySnapshot(source: SnapshotSource): Promise<SnapshotReport> {
  const decoder = new SnapshotDecoder();
  for await (const chunk of chunksOf(source)) {
    for (const _ of decoder.decode(chunk));
  }
  return decoder.end();
}

/** The chunks of a source; those of a file in 1 MiB pieces. */
export async function* chunksOf(source: SnapshotSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof source !== 'string') {
    yield* source;
    return;
  }
  await using file = await open(source, 'r');
  for await (const chunk of file.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false })) yield chunk;
}

async function* reporting(
  snapshot: AsyncGenerator<Uint8Array, SnapshotReport, undefined>,
  tell: (report: SnapshotReport) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  tell(yield* snapshot);
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}
