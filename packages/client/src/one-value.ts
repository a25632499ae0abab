import type { GetResult, Sibling } from './types.ts';

/** What a get found, for callers that expect at most one value. */
export type OneValue =
  | { readonly kind: 'absent' }
  | { readonly kind: 'value'; readonly value: Uint8Array }
  | { readonly kind: 'siblings'; readonly siblings: readonly Sibling[] };

/**
 * The one value of a get. Siblings with equal bytes are one value: a write whose node died in the middle and that was
 * then repeated may leave two of them.
 */
export function oneValue(result: Pick<GetResult, 'siblings'> & { readonly moreSiblings?: boolean }): OneValue {
  const { siblings } = result;
  const [first] = siblings;
  if (first === undefined) return { kind: 'absent' };
  const same = result.moreSiblings !== true && siblings.every((sibling) => equalBytes(sibling.value, first.value));
  return same ? { kind: 'value', value: first.value } : { kind: 'siblings', siblings };
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
