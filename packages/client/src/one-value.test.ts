import { expect, test } from 'vitest';
import { oneValue } from './one-value.ts';

const siblings = (...values: string[]): { siblings: { value: Uint8Array }[] } => ({
  siblings: values.map((value) => ({ value: new TextEncoder().encode(value) })),
});

test('nothing is absent, one sibling is a value, different ones are siblings', () => {
  expect(oneValue(siblings())).toEqual({ kind: 'absent' });
  expect(oneValue(siblings('a'))).toMatchObject({ kind: 'value' });
  expect(oneValue(siblings('a', 'b'))).toMatchObject({ kind: 'siblings' });
});

test('siblings with equal bytes are one value, unless there are more that nobody has seen', () => {
  expect(oneValue(siblings('a', 'a'))).toMatchObject({ kind: 'value' });
  expect(oneValue({ ...siblings('a', 'a'), moreSiblings: true })).toMatchObject({ kind: 'siblings' });
});
