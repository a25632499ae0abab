import { StoreError } from '@ferrite/errors';

/** Both sides open with these 24 bytes; the client first. */
export const PREFACE_BYTES = 24;
export const VERSION = 1;
export const VERSION_MIN = 1;

/** A byte no text protocol starts with, a name, and line ends that a translating relay would damage. */
const MAGIC = Buffer.from([0x8f, 0x46, 0x52, 0x54, 0x0d, 0x0a, 0x1a, 0x0a]);

/** What one side says about itself. */
export interface Preface {
  readonly version: number;
  readonly versionMin: number;
  /** Largest message this side accepts, in bytes. */
  readonly messageBytesMax: number;
  /** Calls this side accepts at a time on this connection; 0 from a client, which accepts none. */
  readonly inFlightMax: number;
  /** Credit of each direction of a stream in which this side is the receiver, in bytes. */
  readonly streamWindowBytes: number;
}

export function encodePreface(preface: Preface): Buffer {
  const bytes = Buffer.alloc(PREFACE_BYTES);
  MAGIC.copy(bytes);
  bytes[8] = preface.version;
  bytes[9] = preface.versionMin;
  bytes.writeUInt32LE(preface.messageBytesMax, 12);
  bytes.writeUInt32LE(preface.inFlightMax, 16);
  bytes.writeUInt32LE(preface.streamWindowBytes, 20);
  return bytes;
}

/** True while `bytes` could still become a preface. */
export function startsPreface(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, MAGIC.length);
  return MAGIC.subarray(0, length).equals(bytes.subarray(0, length));
}

/** Reads 24 bytes for which {@link startsPreface} holds. Throws `PROTOCOL_MISMATCH` if no version is common. */
export function decodePreface(bytes: Buffer): Preface {
  const version = bytes[8] as number;
  const versionMin = bytes[9] as number;
  if (version < VERSION_MIN || versionMin > VERSION || versionMin > version) {
    throw new StoreError('PROTOCOL_MISMATCH', {
      message: `the peer speaks fabric versions ${versionMin} to ${version}, this side ${VERSION_MIN} to ${VERSION}`,
    });
  }
  return {
    version: Math.min(version, VERSION),
    versionMin,
    messageBytesMax: bytes.readUInt32LE(12),
    inFlightMax: bytes.readUInt32LE(16),
    streamWindowBytes: bytes.readUInt32LE(20),
  };
}

/** True if bytes that are no preface look like a request line of HTTP. */
export function looksLikeHttp(bytes: Buffer): boolean {
  return /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PRI) /.test(bytes.toString('latin1', 0, 8));
}
