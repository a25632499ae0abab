import { binding, spdkBinding } from './binding.ts';
import { checkConfig, type EngineConfig } from './config.ts';
import { NativeEngine } from './native-engine.ts';
import { translated } from './native-error.ts';

const DRIVERS = { auto: 0, uring: 1, pool: 2 } as const;

/** Opens an image whatever it holds, even what an unfinished restore left. Throws what `openEngine` does. */
export async function openImage(config: EngineConfig): Promise<NativeEngine> {
  const { device, sizeBytes, driver, create, segmentBytes, partitionBits, checkpointRecords, pollMicros, ...rest } =
    checkConfig(config);
  const { allowVolatile, expire, spdk, waitInline } = rest;
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
      expire,
    );
    return new NativeEngine(handle, device, waitInline);
  } catch (error) {
    throw translated(error, device);
  }
}
