import type { GetResult, Versions } from '@ferrite/replication';
import { type CausalContext, contextOf, isEmptyContext, type TokenCodec } from '@ferrite/vector-clock';

/** Room in a message for everything that is not a value. */
const MESSAGE_OVERHEAD_BYTES = 1024 * 1024;
const EMPTY = new Uint8Array();

/** As many siblings as fit into a message; the context covers only those (P5). */
export function fitting(
  { versions }: GetResult,
  messageBytesMax: number,
): { readonly siblings: Versions['siblings']; readonly context: CausalContext; readonly more: boolean } {
  const { siblings, context } = versions;
  if (siblings.length <= 1) return { siblings, context, more: false };
  let bytes = 0;
  const fit = siblings.filter(({ value }, index) => {
    bytes += value.bytes.byteLength;
    return index === 0 || bytes <= messageBytesMax - MESSAGE_OVERHEAD_BYTES;
  });
  if (fit.length === siblings.length) return { siblings, context, more: false };
  return { siblings: fit, context: contextOf(fit.map(({ dot }) => dot)), more: true };
}

export function contextToWire(
  tokens: TokenCodec,
  binding: { readonly keyspaceId: number; readonly keyHash: bigint },
  context: CausalContext,
): Uint8Array {
  return isEmptyContext(context) ? EMPTY : tokens.encode(binding, context);
}
