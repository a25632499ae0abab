import { expect, test } from 'vitest';
import * as cli from '../src/index.ts';

test('the package exports these values and no others', () => {
  expect(Object.keys(cli).toSorted()).toMatchInlineSnapshot(`
    [
      "EXIT",
      "runProgram",
    ]
  `);
});
