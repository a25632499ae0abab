import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { compileEncoder, type MessageEncoder } from './message-encoder.ts';

const encoders = new WeakMap<DescMessage, MessageEncoder | 'none'>();

/** Every message of the fabric passes here. What is not plain, or not right, protobuf-es encodes or refuses. */
export function encodeMessage<D extends DescMessage>(desc: D, message: MessageInitShape<D>): Uint8Array {
  let encoder = encoders.get(desc);
  if (encoder === undefined) encoders.set(desc, (encoder = compileEncoder(desc) ?? 'none'));
  const type = (message as Partial<Message>).$typeName;
  if (encoder !== 'none' && (type === undefined || type === desc.typeName)) {
    const bytes = encoder(message);
    if (bytes !== undefined) return bytes;
  }
  const complete = type === desc.typeName ? message : create(desc, message);
  return toBinary(desc, complete as Parameters<typeof toBinary<D>>[1]);
}

/** `bytes` fields of the result are views of `bytes`. */
export function decodeMessage<D extends DescMessage>(desc: D, bytes: Uint8Array) {
  return fromBinary(desc, bytes);
}

/** Throws `ARGUMENT_INVALID` for bytes that are no such message. */
export function decodeRequest(spec: MethodImplSpec, bytes: Buffer): ReturnType<typeof decodeMessage> {
  try {
    return decodeMessage(spec.method.input, bytes);
  } catch (cause) {
    throw new StoreError('ARGUMENT_INVALID', {
      message: `the request is no valid ${spec.method.input.typeName}`,
      cause,
    });
  }
}
