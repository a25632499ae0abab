const NAMES = [
  'append',
  'remove',
  'get',
  'scan',
  'flush',
  'device_read',
  'device_write',
  'device_flush',
  'device_write_durable',
];
const SUB = 32;
const BUCKETS = 1056;
const STRIDE = 8512;
const FIRST = 384;

/** Latency memory as `native/engine/SEEN.md` has it, written here a second time, with these nanoseconds in each kind. */
export function latencyBlock(values: Readonly<Record<string, readonly number[]>>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FIRST + NAMES.length * STRIDE);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from('FERRITEL'));
  [1, NAMES.length, 5, BUCKETS, FIRST, STRIDE].forEach((value, at) => view.setUint32(8 + 4 * at, value, true));
  NAMES.forEach((name, index) => {
    bytes.set(Buffer.from(name), 64 + 32 * index);
    const at = FIRST + index * STRIDE;
    const grow = (offset: number, by: number): void =>
      view.setBigUint64(at + offset, view.getBigUint64(at + offset, true) + BigInt(by), true);
    for (const ns of values[name] ?? []) {
      grow(0, ns);
      if (BigInt(ns) > view.getBigUint64(at + 8, true)) view.setBigUint64(at + 8, BigInt(ns), true);
      grow(64 + 8 * bucketOf(ns), 1);
    }
  });
  return bytes;
}

function bucketOf(ns: number): number {
  if (ns < SUB) return ns;
  const shift = BigInt(ns).toString(2).length - 6;
  return Math.min(shift * SUB + Math.floor(ns / 2 ** shift), BUCKETS - 1);
}
