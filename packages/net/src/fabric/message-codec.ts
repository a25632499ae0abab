import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';

/** Every message of the fabric passes here: the one place where a faster codec for hot messages may stand. */
export function encodeMessage<D extends DescMessage>(desc: D, message: MessageInitShape<D>): Uint8Array {
  const complete = (message as Partial<Message>).$typeName === desc.typeName ? message : create(desc, message);
  return toBinary(desc, complete as Parameters<typeof toBinary<D>>[1]);
}

/** `bytes` fields of the result are views of `bytes`. */
export function decodeMessage<D extends DescMessage>(desc: D, bytes: Uint8Array) {
  return fromBinary(desc, bytes);
}
