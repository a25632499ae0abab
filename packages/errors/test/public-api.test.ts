import * as api from '@ferrite/errors';
import { expect, it } from 'vitest';

it('offers exactly these names', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "DEFAULT_BACKOFF",
      "InvariantViolation",
      "KINDS",
      "REASONS",
      "RetryBudget",
      "StoreError",
      "backoffMs",
      "causeChain",
      "combineEffects",
      "invariant",
      "isAbort",
      "isReason",
      "mayRetry",
      "reasonFromId",
      "reasonSpec",
      "retry",
      "unreachable",
    ]
  `);
});
