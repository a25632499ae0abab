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

/** Every message of the fabric passes here: the one place where a faster codec for hot messages may stand. */
export function encodeMessage<D extends DescMessage>(desc: D, message: MessageInitShape<D>): Uint8Array {
  const complete = (message as Partial<Message>).$typeName === desc.typeName ? message : create(desc, message);
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
