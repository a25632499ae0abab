import type { EngineConfig } from './config.ts';
import type { Engine } from './engine.ts';
import { openImage } from './open-image.ts';
import { refuseIncomplete } from './restore-marker.ts';

/**
 * Opens an image, or formats a new one, and replays its log. The image is locked until `close`.
 *
 * Throws `CONFIG_INVALID` (also for an image that a restore has not finished), `PATH_NOT_WRITABLE`, `IMAGE_LOCKED`,
 * `FORMAT_UNKNOWN` (never formatted over), `DEVICE_TRUNCATED`, `CHECKSUM_MISMATCH`, `DEVICE_FULL`, `DEVICE_NOT_DURABLE`,
 * `SPDK_NOT_INSTALLED` or `DEVICE_FAILED`, each naming the device; `signal.reason` when aborted, after an image that was
 * opened meanwhile is closed again.
 */
export async function openEngine(config: EngineConfig, options: { signal?: AbortSignal } = {}): Promise<Engine> {
  options.signal?.throwIfAborted();
  const engine = await openImage(config);
  try {
    options.signal?.throwIfAborted();
    await refuseIncomplete(engine, config.device);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
