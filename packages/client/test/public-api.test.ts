import { expect, test } from 'vitest';
import * as client from '../src/index.ts';

test('the package exports these values and no others', () => {
  expect(Object.keys(client).toSorted()).toMatchInlineSnapshot(`
    [
      "equalBytes",
      "oneValue",
      "openClient",
    ]
  `);
});
