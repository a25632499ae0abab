import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';

/**
 * Encodes a message into bytes of its own, the same ones as `toBinary` of protobuf-es; `undefined` for a message that is
 * not plain, which `toBinary` must judge. Missing fields count as absent, so that a message need not be made first.
 */
export type MessageEncoder = (message: object) => Uint8Array | undefined;

/** One field of a message that is known to be plain. */
interface FieldEncoder {
  readonly name: string;
  /** Bytes with the tag, 0 if there is nothing to write; {@link NOT_PLAIN} for what is left to protobuf-es. */
  size(value: unknown): number;
  /** Writes what {@link size} measured, if that is not 0. */
  write(out: Buffer, at: number, value: unknown): number;
}

const NOT_PLAIN = Number.NaN;
const IMPLICIT_PRESENCE = 2;
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const UINT32_MAX = 2 ** 32 - 1;
const INT32_MAX = 2 ** 31 - 1;

/**
 * The encoder of a message of numbers, strings, bytes, enums, and messages of those, single or repeated; `undefined` for
 * any other. Twice to ten times as fast as protobuf-es, which finds the size of its buffer by growing it.
 */
export function compileEncoder(desc: DescMessage): MessageEncoder | undefined {
  const fields = compileFields(desc, []);
  if (fields === undefined) return undefined;
  return (message) => {
    const size = sizeOf(fields, message as Plain);
    if (!(size >= 0)) return undefined;
    const out = Buffer.allocUnsafe(size);
    writeFields(fields, out, 0, message as Plain);
    return out;
  };
}

type Plain = Readonly<Record<string, unknown>>;

/** `outer`: the messages that this one is part of; one that contains itself is not plain. */
function compileFields(desc: DescMessage, outer: readonly DescMessage[]): readonly FieldEncoder[] | undefined {
  if (outer.includes(desc)) return undefined;
  const encoders: FieldEncoder[] = [];
  for (const field of [...desc.fields].sort((a, b) => a.number - b.number)) {
    const encoder = compileField(field, [...outer, desc]);
    if (encoder === undefined) return undefined;
    encoders.push(encoder);
  }
  return encoders;
}

function compileField(field: DescField, outer: readonly DescMessage[]): FieldEncoder | undefined {
  const implicit = field.presence === IMPLICIT_PRESENCE;
  if (field.oneof !== undefined) return undefined;
  if (field.fieldKind === 'enum') return implicit ? numberField(field, INT32_MAX) : undefined;
  if (field.fieldKind === 'scalar') return implicit ? compileScalar(field, field.scalar) : undefined;
  if (field.fieldKind === 'message' && !field.delimitedEncoding) {
    const fields = compileFields(field.message, outer);
    return fields && messageField(field, fields);
  }
  if (field.fieldKind === 'list' && field.listKind === 'message' && !field.delimitedEncoding) {
    const fields = compileFields(field.message, outer);
    return fields && listField(messageField(field, fields));
  }
  return undefined;
}

function compileScalar(field: DescField, type: ScalarType): FieldEncoder | undefined {
  switch (type) {
    case ScalarType.UINT32:
      return numberField(field, UINT32_MAX);
    case ScalarType.INT32:
      return numberField(field, INT32_MAX);
    case ScalarType.UINT64:
    case ScalarType.INT64:
      return bigintField(field);
    case ScalarType.BOOL:
      return boolField(field);
    case ScalarType.BYTES:
      return bytesField(field);
    case ScalarType.STRING:
      return stringField(field);
    default:
      return undefined;
  }
}

/** Integers of 32 bits and enums; what is negative takes the long way. */
function numberField({ localName: name, number }: DescField, max: number): FieldEncoder {
  const tag = tagOf(number, WIRE_VARINT);
  const tagBytes = varintBytes(tag);
  return {
    name,
    size(value) {
      if (value === undefined || value === 0) return 0;
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) return NOT_PLAIN;
      return tagBytes + varintBytes(value);
    },
    write: (out, at, value) => writeVarint(out, writeVarint(out, at, tag), value as number),
  };
}

function bigintField({ localName: name, number }: DescField): FieldEncoder {
  const tag = tagOf(number, WIRE_VARINT);
  const tagBytes = varintBytes(tag);
  return {
    name,
    size(value) {
      if (value === undefined || value === 0n) return 0;
      if (typeof value !== 'bigint' || value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) return NOT_PLAIN;
      return tagBytes + varintBytes(Number(value));
    },
    write: (out, at, value) => writeVarint(out, writeVarint(out, at, tag), Number(value)),
  };
}

function boolField({ localName: name, number }: DescField): FieldEncoder {
  const tag = tagOf(number, WIRE_VARINT);
  const size = varintBytes(tag) + 1;
  return {
    name,
    size(value) {
      if (value === undefined || value === false) return 0;
      return value === true ? size : NOT_PLAIN;
    },
    write(out, at) {
      const end = writeVarint(out, at, tag);
      out[end] = 1;
      return end + 1;
    },
  };
}

function bytesField({ localName: name, number }: DescField): FieldEncoder {
  const tag = tagOf(number, WIRE_BYTES);
  const tagBytes = varintBytes(tag);
  return {
    name,
    size(value) {
      if (value === undefined) return 0;
      if (!(value instanceof Uint8Array)) return NOT_PLAIN;
      const { length } = value;
      return length === 0 ? 0 : tagBytes + varintBytes(length) + length;
    },
    write(out, at, value) {
      const bytes = value as Uint8Array;
      const start = writeVarint(out, writeVarint(out, at, tag), bytes.length);
      out.set(bytes, start);
      return start + bytes.length;
    },
  };
}

/** Strings of ASCII, as names are; others take the long way. */
function stringField({ localName: name, number }: DescField): FieldEncoder {
  const tag = tagOf(number, WIRE_BYTES);
  const tagBytes = varintBytes(tag);
  return {
    name,
    size(value) {
      if (value === undefined || value === '') return 0;
      if (typeof value !== 'string') return NOT_PLAIN;
      for (let at = 0; at < value.length; at++) if (value.charCodeAt(at) > 0x7f) return NOT_PLAIN;
      return tagBytes + varintBytes(value.length) + value.length;
    },
    write(out, at, value) {
      const text = value as string;
      const start = writeVarint(out, writeVarint(out, at, tag), text.length);
      for (let index = 0; index < text.length; index++) out[start + index] = text.charCodeAt(index);
      return start + text.length;
    },
  };
}

function messageField({ localName: name, number }: DescField, fields: readonly FieldEncoder[]): FieldEncoder {
  const tag = tagOf(number, WIRE_BYTES);
  const tagBytes = varintBytes(tag);
  return {
    name,
    size(value) {
      if (value === undefined) return 0;
      if (typeof value !== 'object' || value === null) return NOT_PLAIN;
      const size = sizeOf(fields, value as Plain);
      return tagBytes + varintBytes(size) + size;
    },
    write(out, at, value) {
      const start = writeVarint(out, writeVarint(out, at, tag), sizeOf(fields, value as Plain));
      return writeFields(fields, out, start, value as Plain);
    },
  };
}

function listField(one: FieldEncoder): FieldEncoder {
  return {
    name: one.name,
    size(value) {
      if (value === undefined) return 0;
      if (!Array.isArray(value)) return NOT_PLAIN;
      let size = 0;
      for (const each of value) size += each === undefined ? NOT_PLAIN : one.size(each);
      return size;
    },
    write(out, from, value) {
      let at = from;
      for (const each of value as readonly unknown[]) at = one.write(out, at, each);
      return at;
    },
  };
}

/** Not a number if any part is not plain. */
function sizeOf(fields: readonly FieldEncoder[], message: Plain): number {
  if (message['$unknown'] !== undefined) return NOT_PLAIN;
  let size = 0;
  for (const field of fields) size += field.size(message[field.name]);
  return size;
}

function writeFields(fields: readonly FieldEncoder[], out: Buffer, from: number, message: Plain): number {
  let at = from;
  for (const field of fields) {
    const value = message[field.name];
    if (field.size(value) > 0) at = field.write(out, at, value);
  }
  return at;
}

function tagOf(number: number, wireType: number): number {
  return number * 8 + wireType;
}

/** Bytes of an integer from 0 to 2^53 - 1; not a number for anything else. */
function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  let bytes = 3;
  for (let rest = Math.floor(value / 0x20_0000); rest > 0; rest = Math.floor(rest / 0x80)) bytes++;
  return value >= 0 ? bytes : NOT_PLAIN;
}

function writeVarint(out: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 0x80) {
    out[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[at] = rest;
  return at + 1;
}
