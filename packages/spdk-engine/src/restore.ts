import { StoreError } from '@ferrite/errors';
import type { EngineConfig } from './config.ts';
import type { Engine } from './engine.ts';
import type { NativeEngine } from './native-engine.ts';
import { openImage } from './open-image.ts';
import { RestoreApplier } from './restore-applier.ts';
import { readMarker, writeMarker } from './restore-marker.ts';
import type { SnapshotProgress } from './snapshot.ts';
import { SnapshotDecoder } from './snapshot-decoder.ts';
import { chunksOf, type SnapshotSource } from './snapshot-file.ts';
import type { SnapshotHeader, SnapshotReport } from './snapshot-format.ts';

/** An image that now holds what a snapshot does, open. */
export interface Restored {
  /** To be closed by the caller. */
  readonly engine: Engine;
  readonly report: SnapshotReport;
}

/**
 * Brings a snapshot back: a full one into a new or empty image, an increment into an image that was restored up to
 * exactly the increment's base and not written to since. Size, segments, driver and number of partitions (default: the
 * snapshot's) may differ from the original; sequences do. Until the last record is durable the image counts as
 * incomplete, whatever happens to the process: `openEngine` refuses it, and only a restore of a full snapshot or of an
 * increment with the same base goes on with it.
 *
 * Throws `CONFIG_INVALID` when the image is not what the snapshot needs, `FORMAT_UNKNOWN` or `CHECKSUM_MISMATCH` when
 * the snapshot is none, damaged or cut short (blocks before the damage may have been applied), `DEVICE_FULL` when it
 * does not fit, what `openEngine` throws, and `signal.reason`.
 */
export async function restoreSnapshot(
  config: EngineConfig,
  source: SnapshotSource,
  options: { signal?: AbortSignal; onProgress?: (progress: SnapshotProgress) => void } = {},
): Promise<Restored> {
  const decoder = new SnapshotDecoder();
  let target: Target | undefined;
  try {
    for await (const chunk of chunksOf(source)) {
      options.signal?.throwIfAborted();
      for (const item of decoder.decode(chunk)) {
        if (item.kind === 'header') target = await openTarget(config, item.header);
        else if (item.kind === 'range') await target?.applier.range(item.range);
        else if (item.kind === 'record') await target?.applier.record(item.record);
      }
      if (target !== undefined) options.onProgress?.(target.applier.progress);
    }
    const report = decoder.end();
    if (target === undefined) throw new StoreError('INTERNAL', { message: 'a whole snapshot without a header' });
    await target.applier.finish();
    await writeMarker(target.engine, { state: 'complete', imageId: report.imageId, sequence: report.sequence });
    return { engine: target.engine, report };
  } catch (error) {
    await target?.engine.close().catch(() => undefined);
    throw error;
  }
}

interface Target {
  readonly engine: NativeEngine;
  readonly applier: RestoreApplier;
}

async function openTarget(config: EngineConfig, header: SnapshotHeader): Promise<Target> {
  const engine = await openImage({ partitionBits: header.partitionBits, ...config });
  try {
    const marker = await readMarker(engine);
    const isFull = header.baseSequence === 0;
    const resumed = marker?.state === 'incomplete';
    if (isFull && !resumed && engine.report.records > 0) {
      throw unfit(config, `holds ${engine.report.records} records; restore a full snapshot into a new or empty image`);
    }
    const isBase = marker?.imageId === header.imageId && marker.sequence === header.baseSequence;
    if (!isFull && !(isBase && (resumed || marker.last))) {
      throw unfit(
        config,
        `does not hold exactly what the increment builds on (sequence ${header.baseSequence} of image ${header.imageId}); restore the snapshots before it first, in their order, and write nothing in between`,
      );
    }
    await writeMarker(engine, { state: 'incomplete', imageId: header.imageId, sequence: header.baseSequence });
    return { engine, applier: new RestoreApplier(engine, isFull && !resumed) };
  } catch (error) {
    await engine.close().catch(() => undefined);
    throw error;
  }
}

function unfit({ device }: EngineConfig, what: string): StoreError {
  return new StoreError('CONFIG_INVALID', { message: `${device} ${what}`, details: { device } });
}
