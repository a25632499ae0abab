import { StoreError } from '@ferrite/errors';

/** What one histogram holds: events by bucket, their sum and the longest, nanoseconds. */
export interface LatencyCounts {
  readonly sumNs: number;
  readonly maxNs: number;
  readonly counts: Float64Array;
  /** Each power of two is cut into 2 to this power of buckets. */
  readonly subBits: number;
}

const MAGIC = 0x4c45_5449_5252_4546n;
const LAYOUT_VERSION = 1;
const HEADER_BYTES = 64;
const NAME_BYTES = 32;
/** Bytes of a histogram before its buckets. */
const HEAD_BYTES = 64;
const WORD = 8;

/**
 * The histograms in a block of latency memory, by name. The bytes are those of `native/engine/SEEN.md`; they may change
 * while they are read, and every number is read once. Throws `PROTOCOL_MISMATCH` for anything but that layout.
 */
export function decodeLatency(memory: Uint8Array): ReadonlyMap<string, LatencyCounts> {
  const { buffer, byteOffset, byteLength } = memory.byteOffset % WORD === 0 ? memory : memory.slice();
  const view = new DataView(buffer, byteOffset, byteLength);
  if (byteLength < HEADER_BYTES || view.getBigUint64(0, true) !== MAGIC) throw unknown('does not begin as one');
  const [version = 0, count = 0, subBits = 0, buckets = 0, first = 0, stride = 0] = [8, 12, 16, 20, 24, 28].map((at) =>
    view.getUint32(at, true),
  );
  if (version !== LAYOUT_VERSION) throw unknown(`has layout version ${version}, not ${LAYOUT_VERSION}`);
  const sound =
    subBits <= 16 &&
    buckets > 0 &&
    buckets <= (65 - subBits) * 2 ** subBits &&
    first % WORD === 0 &&
    stride % WORD === 0 &&
    first >= HEADER_BYTES + count * NAME_BYTES &&
    stride >= HEAD_BYTES + buckets * WORD &&
    first + count * stride <= byteLength;
  if (!sound) throw unknown('has a damaged header');
  const histograms = new Map<string, LatencyCounts>();
  for (let index = 0; index < count; index += 1) {
    const name = nameAt(new Uint8Array(buffer, byteOffset + HEADER_BYTES + index * NAME_BYTES, NAME_BYTES));
    if (name === undefined || histograms.has(name)) throw unknown('has a damaged name');
    const words = new BigUint64Array(buffer, byteOffset + first + index * stride, HEAD_BYTES / WORD + buckets);
    histograms.set(name, {
      subBits,
      sumNs: Number(words[0]),
      maxNs: Number(words[1]),
      counts: numbers(words.subarray(HEAD_BYTES / WORD)),
    });
  }
  return histograms;
}

/** The smallest value of a bucket, nanoseconds. */
export function lowestOf(bucket: number, subBits: number): number {
  const sub = 2 ** subBits;
  return bucket < sub ? bucket : ((bucket % sub) + sub) * 2 ** (Math.floor(bucket / sub) - 1);
}

function numbers(words: BigUint64Array): Float64Array {
  const result = new Float64Array(words.length);
  for (let index = 0; index < words.length; index += 1) result[index] = Number(words[index]);
  return result;
}

/** Small letters and `_`, then zeros to the end. */
function nameAt(bytes: Uint8Array): string | undefined {
  return /^([a-z_]+)\0+$/.exec(String.fromCharCode(...bytes))?.[1];
}

function unknown(what: string): StoreError {
  return new StoreError('PROTOCOL_MISMATCH', { message: `the latency memory ${what}` });
}
