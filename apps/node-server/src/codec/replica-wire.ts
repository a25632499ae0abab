import { FIELD_BYTES_MAX, WireReader, WireWriter } from '@ferrite/net';
import type { PeerRequest, PeerResponse } from '@ferrite/replication';
import { standingFromWire, standingToWire } from './replica.ts';

/**
 * The two requests that replicas send each other for every operation of a client, and their answers, by hand: the same bytes
 * as protobuf-es. Decoders give `undefined` for what is not plain, encoders bytes that are borrowed; see `WireWriter`.
 */

type Request<T extends PeerRequest['type']> = Extract<PeerRequest, { readonly type: T }>;
type Response<T extends PeerResponse['type']> = Extract<PeerResponse, { readonly type: T }>;

const EMPTY: Uint8Array = new Uint8Array();
const UINT32_MAX = 0xffff_ffff;

const writer = new WireWriter();
const reader = new WireReader();

export function encodeWrite({ epoch, keyspaceId, key, record, memory, fence }: Request<'write'>): Uint8Array {
  writer.begin(key.length + record.length + 6 * FIELD_BYTES_MAX);
  writer.uint(0x08, epoch);
  writer.uint(0x10, keyspaceId);
  writer.blob(0x1a, key);
  writer.blob(0x22, record);
  writer.bool(0x28, memory);
  writer.uint(0x30, fence);
  return writer.end();
}

export function decodeWrite(bytes: Buffer): Request<'write'> | undefined {
  reader.begin(bytes);
  let epoch = 0;
  let keyspaceId = 0;
  let key = EMPTY;
  let record = EMPTY;
  let memory = false;
  let fence = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) epoch = reader.uint(Number.MAX_SAFE_INTEGER);
    else if (tag === 0x10) keyspaceId = reader.uint(UINT32_MAX);
    else if (tag === 0x1a) key = reader.blob();
    else if (tag === 0x22) record = reader.blob();
    else if (tag === 0x28) memory = reader.bool();
    else if (tag === 0x30) fence = reader.uint(Number.MAX_SAFE_INTEGER);
    else return undefined;
  }
  return reader.odd ? undefined : { type: 'write', epoch, keyspaceId, key, record, memory, fence };
}

export function encodeWritten(response: Response<'write' | 'fenced'>): Uint8Array {
  writer.begin(2 * FIELD_BYTES_MAX);
  if (response.type === 'write') writer.bool(0x08, response.durable);
  else writer.uint(0x10, response.fence);
  return writer.end();
}

export function decodeWritten(bytes: Buffer): Response<'write' | 'fenced'> | undefined {
  reader.begin(bytes);
  let durable = false;
  let fence = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) durable = reader.bool();
    else if (tag === 0x10) fence = reader.uint(Number.MAX_SAFE_INTEGER);
    else return undefined;
  }
  if (reader.odd) return undefined;
  return fence === 0 ? { type: 'write', durable } : { type: 'fenced', fence };
}

export function encodeRead({ epoch, keyspaceId, key, withFloor = false }: Request<'read'>): Uint8Array {
  writer.begin(key.length + 4 * FIELD_BYTES_MAX);
  writer.uint(0x08, epoch);
  writer.uint(0x10, keyspaceId);
  writer.blob(0x1a, key);
  writer.bool(0x20, withFloor);
  return writer.end();
}

export function decodeRead(bytes: Buffer): Request<'read'> | undefined {
  reader.begin(bytes);
  let epoch = 0;
  let keyspaceId = 0;
  let key = EMPTY;
  let withFloor = false;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) epoch = reader.uint(Number.MAX_SAFE_INTEGER);
    else if (tag === 0x10) keyspaceId = reader.uint(UINT32_MAX);
    else if (tag === 0x1a) key = reader.blob();
    else if (tag === 0x20) withFloor = reader.bool();
    else return undefined;
  }
  return reader.odd ? undefined : { type: 'read', epoch, keyspaceId, key, withFloor };
}

/** Only for an answer without a floor. */
export function encodeReadAnswer({ record, standing }: Response<'read'>): Uint8Array {
  writer.begin(record.length + 2 * FIELD_BYTES_MAX);
  writer.blob(0x0a, record);
  writer.uint(0x10, standingToWire(standing));
  return writer.end();
}

/** `undefined` as well for an answer with a floor. */
export function decodeReadAnswer(bytes: Buffer): Response<'read'> | undefined {
  reader.begin(bytes);
  let record = EMPTY;
  let standing = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) record = reader.blob();
    else if (tag === 0x10) standing = reader.uint(UINT32_MAX);
    else return undefined;
  }
  return reader.odd ? undefined : { type: 'read', record, standing: standingFromWire(standing), floor: undefined };
}
