import { StoreError } from '@ferrite/errors';
import { binding } from './binding.ts';
import { ByteQueue } from './byte-queue.ts';
import { KEY_BYTES_MAX, PARTITION_BITS_MAX, VALUE_BYTES_MAX } from './limits.ts';
import {
  BLOCK,
  BLOCK_CRC_OFFSET,
  BLOCK_HEAD_BYTES,
  DAMAGE_BYTES,
  ENTRY,
  HEADER_BYTES,
  MAGIC,
  PAYLOAD_BYTES_MAX,
  RANGE_HEAD_BYTES,
  RECORD_HEAD_BYTES,
  type SnapshotHeader,
  type SnapshotRange,
  type SnapshotRecord,
  type SnapshotReport,
  TRAILER_BYTES,
  TRAILER_BYTES_MAX,
  VERSION,
} from './snapshot-format.ts';

/** One thing a stream says, in the stream's order. */
export type SnapshotItem =
  | { readonly kind: 'header'; readonly header: SnapshotHeader }
  | { readonly kind: 'range'; readonly range: SnapshotRange }
  | { readonly kind: 'record'; readonly record: SnapshotRecord }
  | { readonly kind: 'trailer'; readonly report: SnapshotReport };

/**
 * Reads a snapshot stream from chunks of any size. Nothing of a block is given out before all of it was checked.
 * Throws `FORMAT_UNKNOWN` for what is no snapshot or one of a newer version, `CHECKSUM_MISMATCH` for a damaged one.
 */
export class SnapshotDecoder {
  readonly #stream = new ByteQueue();
  readonly #entries = new ByteQueue();
  #number = 0;
  #crc = 0;
  #header: SnapshotHeader | undefined;
  #report: SnapshotReport | undefined;
  #keyspace = 0;
  #recordsLeft = 0;
  #records = 0;
  #bytes = 0;

  /** What the blocks that this chunk completes say; to be gone through before the next call. */
  *decode(chunk: Uint8Array): Generator<SnapshotItem, void, undefined> {
    this.#stream.push(chunk);
    for (let block = this.#nextBlock(); block !== undefined; block = this.#nextBlock()) {
      if (this.#report !== undefined) throw damaged('goes on behind its trailer');
      if ((this.#header === undefined) !== (block.kind === BLOCK.header)) throw damaged('has a block out of place');
      if (block.kind === BLOCK.header) {
        this.#header = headerFrom(block.payload);
        yield { kind: 'header', header: this.#header };
      } else if (block.kind === BLOCK.trailer) {
        yield { kind: 'trailer', report: this.#finish(block.payload) };
      } else {
        this.#entries.push(block.payload);
        yield* this.#wholeEntries();
      }
    }
  }

  /** To be called after the last chunk: what the stream was, once it is known to be whole. */
  end(): SnapshotReport {
    if (this.#report === undefined && this.#number === 0) throw unknown('holds no snapshot');
    if (this.#report === undefined) throw damaged('ends before its trailer');
    if (this.#stream.length > 0) throw damaged('goes on behind its trailer');
    return this.#report;
  }

  #nextBlock(): { kind: number; payload: Uint8Array } | undefined {
    if (this.#stream.length < BLOCK_HEAD_BYTES) return undefined;
    const head = viewOf(this.#stream.peek(BLOCK_HEAD_BYTES));
    if (head.getUint32(0, true) !== MAGIC) {
      throw this.#number === 0 ? unknown('holds no snapshot') : damaged('is damaged', this.#number);
    }
    const kind = head.getUint16(6, true);
    const length = head.getUint32(12, true);
    if (length > (kind === BLOCK.trailer ? TRAILER_BYTES_MAX : PAYLOAD_BYTES_MAX)) {
      throw damaged('is damaged', this.#number);
    }
    if (this.#stream.length < BLOCK_HEAD_BYTES + length) return undefined;
    const block = this.#stream.take(BLOCK_HEAD_BYTES + length);
    const payload = block.subarray(BLOCK_HEAD_BYTES);
    const crc = binding().crc32c(payload, binding().crc32c(block.subarray(0, BLOCK_CRC_OFFSET), 0));
    if (crc !== viewOf(block).getUint32(BLOCK_CRC_OFFSET, true)) throw damaged('is damaged', this.#number);
    const version = viewOf(block).getUint16(4, true);
    if (version !== VERSION) throw unknown(`is of version ${version}; this build reads version ${VERSION}`);
    if (viewOf(block).getUint32(8, true) !== this.#number || viewOf(block).getUint32(16, true) !== this.#crc) {
      throw damaged('lacks a block, or has blocks in another order or of another snapshot', this.#number);
    }
    if (kind !== BLOCK.header && kind !== BLOCK.entries && kind !== BLOCK.trailer) {
      throw damaged('has a block of no known kind', this.#number);
    }
    this.#number += 1;
    this.#crc = crc;
    return { kind, payload };
  }

  *#wholeEntries(): Generator<SnapshotItem, void, undefined> {
    const queue = this.#entries;
    while (queue.length >= RECORD_HEAD_BYTES) {
      const kind = viewOf(queue.peek(2)).getUint16(0, true);
      if (kind === ENTRY.range && this.#recordsLeft === 0) {
        if (queue.length < RANGE_HEAD_BYTES) return;
        const head = viewOf(queue.peek(RANGE_HEAD_BYTES));
        const bytes = RANGE_HEAD_BYTES + 8 * head.getUint32(32, true);
        if (queue.length < bytes) return;
        yield { kind: 'range', range: this.#range(viewOf(queue.take(bytes))) };
      } else if (kind === ENTRY.record && this.#recordsLeft > 0) {
        const head = viewOf(queue.peek(RECORD_HEAD_BYTES));
        const keyBytes = head.getUint16(2, true);
        const valueBytes = head.getUint32(4, true);
        if (keyBytes === 0 || keyBytes > KEY_BYTES_MAX || valueBytes > VALUE_BYTES_MAX) {
          throw damaged('has a record of impossible size', this.#number - 1);
        }
        if (queue.length < RECORD_HEAD_BYTES + keyBytes + valueBytes) return;
        yield { kind: 'record', record: this.#record(queue.take(RECORD_HEAD_BYTES + keyBytes + valueBytes), keyBytes) };
      } else {
        throw damaged('has an entry out of place', this.#number - 1);
      }
    }
  }

  #range(view: DataView): SnapshotRange {
    this.#keyspace = view.getUint32(4, true);
    this.#recordsLeft = view.getUint32(36, true);
    const kept = new BigUint64Array(view.getUint32(32, true));
    for (let at = 0; at < kept.length; at += 1) kept[at] = view.getBigUint64(RANGE_HEAD_BYTES + 8 * at, true);
    return {
      keyspace: this.#keyspace,
      first: { keyspace: view.getUint32(8, true), hash: view.getBigUint64(16, true) },
      last: { keyspace: view.getUint32(12, true), hash: view.getBigUint64(24, true) },
      kept,
      records: this.#recordsLeft,
    };
  }

  #record(entry: Uint8Array, keyBytes: number): SnapshotRecord {
    const view = viewOf(entry);
    this.#recordsLeft -= 1;
    this.#records += 1;
    this.#bytes += entry.byteLength - RECORD_HEAD_BYTES;
    return {
      keyspace: this.#keyspace,
      key: entry.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + keyBytes),
      value: entry.subarray(RECORD_HEAD_BYTES + keyBytes),
      generation: view.getUint32(8, true),
      sequence: integerAt(view, 16),
      expiresAtMs: integerAt(view, 24),
    };
  }

  #finish(payload: Uint8Array): SnapshotReport {
    const view = viewOf(payload);
    const count = payload.byteLength < TRAILER_BYTES ? -1 : view.getUint32(28, true);
    const header = this.#header;
    if (header === undefined || payload.byteLength !== TRAILER_BYTES + count * DAMAGE_BYTES) {
      throw damaged('has a malformed trailer');
    }
    const counted = integerAt(view, 8) === this.#records && integerAt(view, 16) === this.#bytes;
    const whole = this.#entries.length === 0 && this.#recordsLeft === 0;
    if (!counted || !whole || view.getUint32(24, true) !== this.#number - 1) {
      throw damaged('does not hold what its trailer says');
    }
    const missing = Array.from({ length: count }, (_, index) => ({
      keyspace: view.getUint32(TRAILER_BYTES + index * DAMAGE_BYTES, true),
      partition: view.getUint32(TRAILER_BYTES + index * DAMAGE_BYTES + 4, true),
    }));
    this.#report = {
      ...header,
      sequence: integerAt(view, 0),
      records: this.#records,
      bytes: this.#bytes,
      damaged: missing,
    };
    return this.#report;
  }
}

function headerFrom(payload: Uint8Array): SnapshotHeader {
  if (payload.byteLength !== HEADER_BYTES) throw damaged('has a malformed header');
  const view = viewOf(payload);
  const partitionBits = view.getUint32(24, true);
  if (partitionBits > PARTITION_BITS_MAX) throw damaged('has a malformed header');
  return {
    imageId: Buffer.from(payload.subarray(0, 16)).toString('hex'),
    baseSequence: integerAt(view, 16),
    partitionBits,
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function integerAt(view: DataView, at: number): number {
  return view.getUint32(at, true) + 2 ** 32 * view.getUint32(at + 4, true);
}

function damaged(what: string, block?: number): StoreError {
  const where = block === undefined ? '' : ` (block ${block})`;
  return new StoreError('CHECKSUM_MISMATCH', {
    message: `the snapshot ${what}${where}; restore from another copy, or take it anew`,
    ...(block === undefined ? {} : { details: { block: String(block) } }),
  });
}

function unknown(what: string): StoreError {
  return new StoreError('FORMAT_UNKNOWN', { message: `the source ${what}` });
}
