import { binding } from './binding.ts';
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

/** Lays entries out as numbered, checksummed blocks. Whole blocks wait in `take()`; nothing else is kept. */
export class SnapshotWriter {
  readonly #header: SnapshotHeader;
  #ready: Uint8Array[] = [];
  #block = Buffer.allocUnsafeSlow(0);
  #view = new DataView(this.#block.buffer);
  #used = 0;
  #number = 0;
  #crc = 0;
  #records = 0;
  #bytes = 0;

  constructor(header: SnapshotHeader) {
    this.#header = header;
    const payload = Buffer.alloc(HEADER_BYTES);
    payload.set(Buffer.from(header.imageId, 'hex'));
    payload.writeBigUInt64LE(BigInt(header.baseSequence), 16);
    payload.writeUInt32LE(header.partitionBits, 24);
    this.#seal(BLOCK.header, payload);
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Begins a range; as many records as it says must follow. */
  range({ keyspace, first, last, kept, records }: SnapshotRange): void {
    const at = this.#place(RANGE_HEAD_BYTES);
    this.#view.setUint32(at, ENTRY.range, true);
    this.#view.setUint32(at + 4, keyspace, true);
    this.#view.setUint32(at + 8, first.keyspace, true);
    this.#view.setUint32(at + 12, last.keyspace, true);
    this.#view.setBigUint64(at + 16, first.hash, true);
    this.#view.setBigUint64(at + 24, last.hash, true);
    this.#view.setUint32(at + 32, kept.length, true);
    this.#view.setUint32(at + 36, records, true);
    for (const hash of kept) {
      const place = this.#place(8);
      this.#view.setBigUint64(place, hash, true);
    }
  }

  record({ key, value, generation, sequence, expiresAtMs }: Omit<SnapshotRecord, 'keyspace'>): void {
    const at = this.#place(RECORD_HEAD_BYTES);
    this.#view.setUint16(at, ENTRY.record, true);
    this.#view.setUint16(at + 2, key.byteLength, true);
    this.#view.setUint32(at + 4, value.byteLength, true);
    this.#view.setUint32(at + 8, generation, true);
    this.#view.setUint32(at + 12, 0, true);
    this.#setInteger(at + 16, sequence);
    this.#setInteger(at + 24, expiresAtMs);
    this.#push(key);
    this.#push(value);
    this.#records += 1;
    this.#bytes += key.byteLength + value.byteLength;
  }

  /** Ends the stream. Damage beyond what a trailer holds is cut off; that much of it says enough. */
  finish(sequence: number, damaged: SnapshotReport['damaged']): SnapshotReport {
    this.#flush();
    const listed = damaged.slice(0, (TRAILER_BYTES_MAX - TRAILER_BYTES) / DAMAGE_BYTES);
    const payload = Buffer.alloc(TRAILER_BYTES + listed.length * DAMAGE_BYTES);
    payload.writeBigUInt64LE(BigInt(sequence), 0);
    payload.writeBigUInt64LE(BigInt(this.#records), 8);
    payload.writeBigUInt64LE(BigInt(this.#bytes), 16);
    payload.writeUInt32LE(this.#number, 24);
    payload.writeUInt32LE(listed.length, 28);
    for (const [index, { keyspace, partition }] of listed.entries()) {
      payload.writeUInt32LE(keyspace, TRAILER_BYTES + index * DAMAGE_BYTES);
      payload.writeUInt32LE(partition, TRAILER_BYTES + index * DAMAGE_BYTES + 4);
    }
    this.#seal(BLOCK.trailer, payload);
    return { ...this.#header, sequence, records: this.#records, bytes: this.#bytes, damaged: listed };
  }

  /** The blocks that are whole; each is handed out once and belongs to the taker. */
  take(): Uint8Array[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Room for a few bytes that stay together, as an offset in the view. */
  #place(bytes: number): number {
    if (this.#block.byteLength - this.#used < bytes) this.#open();
    const at = this.#used;
    this.#used += bytes;
    return at;
  }

  #push(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.byteLength; ) {
      if (this.#used === this.#block.byteLength) this.#open();
      const part = Math.min(bytes.byteLength - from, this.#block.byteLength - this.#used);
      this.#block.set(part === bytes.byteLength ? bytes : bytes.subarray(from, from + part), this.#used);
      this.#used += part;
      from += part;
    }
  }

  #setInteger(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  #open(): void {
    this.#flush();
    this.#block = Buffer.allocUnsafeSlow(BLOCK_HEAD_BYTES + PAYLOAD_BYTES_MAX);
    this.#view = new DataView(this.#block.buffer);
    this.#used = BLOCK_HEAD_BYTES;
  }

  #flush(): void {
    if (this.#used > BLOCK_HEAD_BYTES) this.#sealBlock(BLOCK.entries, this.#block.subarray(0, this.#used));
    this.#block = Buffer.allocUnsafeSlow(0);
    this.#used = 0;
  }

  #seal(kind: number, payload: Buffer): void {
    this.#sealBlock(kind, Buffer.concat([Buffer.alloc(BLOCK_HEAD_BYTES), payload]));
  }

  /** Fills in a block's head. It names the checksum of the block before, so that blocks of two streams do not mix. */
  #sealBlock(kind: number, block: Buffer): void {
    block.writeUInt32LE(MAGIC, 0);
    block.writeUInt16LE(VERSION, 4);
    block.writeUInt16LE(kind, 6);
    block.writeUInt32LE(this.#number, 8);
    block.writeUInt32LE(block.byteLength - BLOCK_HEAD_BYTES, 12);
    block.writeUInt32LE(this.#crc, 16);
    const head = binding().crc32c(block.subarray(0, BLOCK_CRC_OFFSET), 0);
    this.#crc = binding().crc32c(block.subarray(BLOCK_HEAD_BYTES), head);
    block.writeUInt32LE(this.#crc, BLOCK_CRC_OFFSET);
    this.#number += 1;
    this.#ready.push(block);
  }
}
