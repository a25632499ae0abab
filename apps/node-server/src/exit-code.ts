import { type Reason, StoreError } from '@ferrite/errors';

const CONFIGURATION: ReadonlySet<Reason> = new Set([
  'CONFIG_INVALID',
  'ADDRESS_IN_USE',
  'PATH_NOT_WRITABLE',
  'IMAGE_LOCKED',
  'NODE_ID_IN_USE',
  'SPDK_NOT_INSTALLED',
  'DEVICE_NOT_DURABLE',
]);

const DEVICE: ReadonlySet<Reason> = new Set([
  'DEVICE_FAILED',
  'DEVICE_TRUNCATED',
  'FORMAT_UNKNOWN',
  'CHECKSUM_MISMATCH',
]);

/** What the process ends with: 2 wants a person to change the configuration, 3 wants another device, 1 is anything else. */
export function exitCodeOf(error: unknown): 1 | 2 | 3 {
  if (!StoreError.is(error)) return 1;
  if (CONFIGURATION.has(error.reason)) return 2;
  return DEVICE.has(error.reason) ? 3 : 1;
}
