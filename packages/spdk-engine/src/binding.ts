import { createRequire } from 'node:module';
import { StoreError } from '@ferrite/errors';
import type { DamageReport, ScrubProgress } from './damage.ts';
import type { OpenReport } from './open-report.ts';
import type { EngineStats } from './stats.ts';

/** A report as the addon makes it: reasons are still numbers. */
export type NativeOpenReport = Omit<OpenReport, 'damaged'> & {
  readonly damaged: readonly { keyspace?: number; partition?: number; reason: number }[];
};

/** One open engine in the addon. `ticket` names the operation in its completion. Failures are thrown as `NativeFailure`. */
export interface NativeEngineHandle {
  /** Says where completions go: their numbers into `rows`, then one call of `onBatch`. */
  start(
    rows: Float64Array,
    onBatch: (
      count: number,
      slabs: readonly ArrayBuffer[] | undefined,
      pool: number,
      messages: readonly string[] | undefined,
    ) => void,
  ): void;
  append(
    ticket: number,
    keyspace: number,
    generation: number,
    expiresAtMs: number,
    key: Uint8Array,
    value: Uint8Array,
  ): number;
  remove(ticket: number, keyspace: number, key: Uint8Array): number;
  dropPartition(ticket: number, keyspace: number, partition: number): number;
  /** Six `numbers` a write (`src/batch.ts`); `bytes`: their keys and values, one after the other. */
  batch(ticket: number, numbers: Float64Array, bytes: Uint8Array): number;
  /** False: the key is absent, and nothing was submitted. Never so without `atOnce`. */
  get(ticket: number, keyspace: number, key: Uint8Array, atOnce: boolean): boolean;
  /** Hands the gets since the last call to the device; `mayWait`: what is alone may be waited for and delivered within the call. */
  endTurn(mayWait: boolean): void;
  scan(
    ticket: number,
    keyspace: number,
    partition: number,
    maxRecords: number,
    maxBytes: number,
    values: boolean,
    afterHash: bigint,
    afterKey: Uint8Array,
  ): void;
  /** One step of a walk (`src/walk.ts`); completes as a scan whose row has the page's list for its bytes. */
  walk(
    ticket: number,
    step: number,
    fromKeyspace: number,
    fromHash: bigint,
    toKeyspace: number,
    toHash: bigint,
    since: number,
    maxRecords: number,
    maxBytes: number,
    values: boolean,
  ): void;
  flush(ticket: number): void;
  /** Completes as a scrub, at its end or when stopped. `bytesPerSecond` 0: the default. */
  scrub(ticket: number, bytesPerSecond: number): void;
  stopScrub(): void;
  scrubProgress(): ScrubProgress;
  /** What was found since the last call. */
  takeDamage(): (Omit<DamageReport, 'reason'> & { readonly reason: number })[];
  close(): Promise<void>;
  report(): NativeOpenReport;
  stats(): EngineStats;
  /** The engine's own latency memory, not a copy; it outlives the engine. To be called once. */
  latency(): ArrayBuffer;
}

/** The addon's exports. */
export interface NativeBinding {
  openEngine(
    device: string,
    sizeBytes: number,
    driver: number,
    create: boolean,
    segmentBytes: number,
    partitionBits: number,
    checkpointRecords: number,
    pollMicros: number,
    allowVolatile: boolean,
    spdkConfig: string,
    spdkMemoryMiB: number,
    spdkNoHuge: number,
    spdkTimeoutMs: number,
    expire: boolean,
  ): Promise<NativeEngineHandle>;
  /** CRC32C of `bytes`, continuing from that of what comes before them. */
  crc32c(bytes: Uint8Array, crc: number): number;
  probeUring(): { readonly available: boolean; readonly why: string; readonly mend: string };
  probeSpdk(): { readonly available: boolean; readonly version: string };
  /** Runs `load`; afterwards SIGBUS is handled as before. */
  keepSigbus<T>(load: () => T): T;
}

/** What the addon must export, to be compared with what it does: no name too few or too many on either side. */
export const BINDING_METHODS: Readonly<Record<keyof NativeBinding, true>> = {
  openEngine: true,
  crc32c: true,
  probeUring: true,
  probeSpdk: true,
  keepSigbus: true,
};

/** The same for the object that `openEngine` makes. */
export const HANDLE_METHODS: Readonly<Record<keyof NativeEngineHandle, true>> = {
  start: true,
  append: true,
  remove: true,
  dropPartition: true,
  batch: true,
  get: true,
  endTurn: true,
  scan: true,
  walk: true,
  flush: true,
  scrub: true,
  stopScrub: true,
  scrubProgress: true,
  takeDamage: true,
  close: true,
  report: true,
  stats: true,
  latency: true,
};

const load: (path: string) => NativeBinding = createRequire(import.meta.url);

let ordinary: NativeBinding | undefined;
let withSpdk: NativeBinding | undefined;

/** The addon, loaded on first use. Throws `CONFIG_INVALID` when it was never built. */
export function binding(): NativeBinding {
  try {
    ordinary ??= load('../build/Release/ferrite_spdk_engine.node');
    return ordinary;
  } catch (cause) {
    throw new StoreError('CONFIG_INVALID', {
      message: 'the native engine of @ferrite/spdk-engine is not built for this Node; run: npm run setup',
      cause,
    });
  }
}

/**
 * The addon that is linked with SPDK, loaded on first use, because it brings SPDK's libraries into the process for good.
 * Throws `SPDK_NOT_INSTALLED` when it was not built, or the libraries it was built with are gone.
 */
export function spdkBinding(): NativeBinding {
  const plain = binding();
  try {
    withSpdk ??= plain.keepSigbus(() => load('../build/Release/ferrite_spdk_engine_spdk.node'));
    return withSpdk;
  } catch (cause) {
    const built = cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_FAILED';
    const message = built ? `the SPDK that the engine was built with cannot be loaded: ${cause.message}` : undefined;
    throw new StoreError('SPDK_NOT_INSTALLED', { cause, ...(message === undefined ? {} : { message }) });
  }
}
