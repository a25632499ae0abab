import { StoreError } from '@ferrite/errors';
import { PARTITION_BITS_DEFAULT, PARTITION_BITS_MAX } from './limits.ts';

/** Which image to open, and how. */
export interface EngineConfig {
  /** `file:PATH` (a regular file), `block:PATH` (a block device), `spdk:BDEV` or `memory:` (RAM, gone at close). */
  readonly device: string;
  /** Bytes of the image, given to a new one; an existing image keeps its size. */
  readonly sizeBytes: number;
  /** `auto` (default): io_uring, or a pool of threads where the kernel refuses it; the report says why. */
  readonly driver?: 'auto' | 'uring' | 'pool';
  /** Bytes of one segment of the log, given to a new image (default 32 MiB); no value may exceed half of it. */
  readonly segmentBytes?: number;
  /** Formats a missing or all-zero file or device (default true). Anything else is never formatted over. */
  readonly create?: boolean;
  /** 2^this partitions, given to a new image, 0 to 16 (default 10). */
  readonly partitionBits?: number;
  /**
   * Records after which the index is written out, so that opening after a crash reads no more of the log than that
   * (default 0: half as many as there are keys, at least 262,144).
   */
  readonly checkpointRecords?: number;
  /**
   * Microseconds, 0 (default) to 10,000, to keep polling after an operation instead of sleeping at once: lower latency
   * for a busy processor.
   */
  readonly pollMicros?: number;
  /**
   * Waits for an operation that is the only one in flight at the end of the turn that asked for it (default true): the
   * lowest latency. False on a thread that has other work meanwhile, as a server has.
   */
  readonly waitInline?: boolean;
  /** Opens a device that loses flushed data with the power, too (default false; `memory:` needs no permission). */
  readonly allowVolatile?: boolean;
  /**
   * Ends records by time (default false: `expiresAtMs` is only data, as where a cluster decides). Once the system's clock
   * is past it, a record is not found any more; compaction takes its space a minute later at the earliest.
   */
  readonly expire?: boolean;
  /** What an `spdk:` device needs. */
  readonly spdk?: SpdkConfig;
}

/**
 * How SPDK is set up. What concerns the whole process (memory, huge pages, and methods of the configuration that SPDK
 * takes at its start only, such as `bdev_nvme_set_options`) is decided by the first engine that asks for SPDK.
 */
export interface SpdkConfig {
  /**
   * Path of an SPDK configuration (JSON), or the configuration itself. Applied when the bdev does not exist yet, so that
   * an engine opened later attaches again what was lost.
   */
  readonly config: string | object;
  /** Memory for SPDK, MiB, at least 512 (default 768). */
  readonly memoryMiB?: number;
  /** Ordinary memory instead of huge pages, and then no PCIe device (default: when no huge page is free). */
  readonly noHuge?: boolean;
  /** A request to the device that takes longer ends in `DEVICE_FAILED`, milliseconds (default 10,000). */
  readonly timeoutMs?: number;
}

/** A configuration with every default filled in. */
export type CheckedConfig = Required<Omit<EngineConfig, 'spdk'>> & {
  readonly spdk: Required<Omit<SpdkConfig, 'noHuge'>> & Pick<SpdkConfig, 'noHuge'>;
};

/** Throws `CONFIG_INVALID` naming the first setting that is wrong. What depends on the device, opening it tells. */
export function checkConfig(config: EngineConfig): CheckedConfig {
  const checked = {
    driver: 'auto' as const,
    segmentBytes: 0,
    create: true,
    partitionBits: PARTITION_BITS_DEFAULT,
    checkpointRecords: 0,
    pollMicros: 0,
    waitInline: true,
    allowVolatile: false,
    expire: false,
    ...config,
    spdk: { config: '', memoryMiB: 768, timeoutMs: 10_000, ...config.spdk },
  };
  if (typeof checked.device !== 'string') throw invalid('device', checked.device, 'a string');
  if (!/^(?:memory:$|(?:file|block|spdk):.)/s.test(checked.device)) {
    throw invalid('device', checked.device, 'file:PATH, block:PATH, spdk:BDEV or memory:');
  }
  if (checked.device.includes('\0')) throw invalid('device', 'a path with a zero byte', 'a path without');
  if (!['auto', 'uring', 'pool'].includes(checked.driver))
    throw invalid('driver', checked.driver, 'auto, uring or pool');
  checkInteger('sizeBytes', checked.sizeBytes, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('segmentBytes', checked.segmentBytes, 0, 2 ** 31);
  checkInteger('partitionBits', checked.partitionBits, 0, PARTITION_BITS_MAX);
  checkInteger('checkpointRecords', checked.checkpointRecords, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('pollMicros', checked.pollMicros, 0, 10_000);
  checkInteger('spdk.memoryMiB', checked.spdk.memoryMiB, 512, 2 ** 20);
  checkInteger('spdk.timeoutMs', checked.spdk.timeoutMs, 100, 3_600_000);
  return checked;
}

function checkInteger(setting: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(setting, value, `an integer from ${min} to ${max}`);
  }
}

function invalid(setting: string, value: unknown, expected: string): StoreError {
  return new StoreError('CONFIG_INVALID', {
    message: `${setting} is ${JSON.stringify(value)}, expected ${expected}`,
    details: { setting },
  });
}
