import { expect, it } from 'vitest';
import * as api from '../src/index.ts';
import * as testing from '../src/testing/index.ts';

it('offers these values and no others', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "BATCH_WRITES_MAX",
      "KEY_BYTES_MAX",
      "VALUE_BYTES_MAX",
      "capabilities",
      "latencyOfProcess",
      "openEngine",
      "restoreSnapshot",
      "snapshotToFile",
      "verifySnapshot",
    ]
  `);
  expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
    [
      "memoryObjectStore",
      "objectStoreConformance",
    ]
  `);
});
