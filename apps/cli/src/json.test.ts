import { expect, test } from 'vitest';
import { bytesFields, toJsonLine } from './json.ts';

test('bytes are base64, whichever class they have', () => {
  expect(toJsonLine({ a: Uint8Array.of(104, 105), b: [Buffer.from('hi')] })).toBe('{"a":"aGk=","b":["aGk="]}\n');
});

test('whole numbers that JavaScript cannot hold exactly become strings', () => {
  expect(toJsonLine([7n, 2n ** 63n])).toBe('[7,"9223372036854775808"]\n');
});

test('dates, null and absent fields appear as JSON has them', () => {
  expect(toJsonLine({ at: new Date(0), none: null, absent: undefined })).toBe(
    '{"at":"1970-01-01T00:00:00.000Z","none":null}\n',
  );
});

test('bytes have a text field only if they are text', () => {
  expect(bytesFields('key', Uint8Array.of(0xff))).toEqual({ keyBase64: '/w==' });
  expect(bytesFields('key', Buffer.from('k'))).toEqual({ key: 'k', keyBase64: 'aw==' });
});
