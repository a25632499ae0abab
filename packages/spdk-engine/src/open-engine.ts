import { binding, spdkBinding } from './binding.ts';
import { checkConfig, type EngineConfig } from './config.ts';
import type { Engine } from './engine.ts';
import { NativeEngine } from './native-engine.ts';
import { translated } from './native-error.ts';

const DRIVERS = { auto: 0, uring: 1, pool: 2 } as const;

/**
 * Opens an image, or formats a new one, and replays its log. The image is locked until `close`.
 *
 * Throws `CONFIG_INVALID`, `PATH_NOT_WRITABLE`, `IMAGE_LOCKED`, `FORMAT_UNKNOWN` (never formatted over),
 * `DEVICE_TRUNCATED`, `CHECKSUM_MISMATCH`, `DEVICE_FULL`, `DEVICE_NOT_DURABLE`, `SPDK_NOT_INSTALLED` or `DEVICE_FAILED`,
 * each naming the device; `signal.reason` when aborted, after an image that was opened meanwhile is closed again.
 */
export async function openEngine(config: EngineConfig, options: { signal?: AbortSignal } = {}): Promise<Engine> {
  options.signal?.throwIfAborted();
  const { device, sizeBytes, driver, create, segmentBytes, partitionBits, checkpointRecords, pollMicros, ...rest } =
    checkConfig(config);
  const { allowVolatile, spdk } = rest;
  const addon = device.startsWith('spdk:') ? spdkBinding() : binding();
  try {
    const handle = await addon.openEngine(
      device,
      sizeBytes,
      DRIVERS[driver],
      create,
      segmentBytes,
      partitionBits,
      checkpointRecords,
      pollMicros,
      allowVolatile,
      typeof spdk.config === 'string' ? spdk.config : JSON.stringify(spdk.config),
      spdk.memoryMiB,
      spdk.noHuge === undefined ? 2 : Number(spdk.noHuge),
      spdk.timeoutMs,
    );
    const engine = new NativeEngine(handle, device);
    if (options.signal?.aborted === true) await engine.close();
    options.signal?.throwIfAborted();
    return engine;
  } catch (error) {
    throw translated(error, device);
  }
}
