import * as api from '@ferrite/vector-clock';
import * as testing from '@ferrite/vector-clock/testing';
import { expect, it } from 'vitest';

it('offers exactly these names', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "ACTOR_BYTES",
      "CLUSTER_KEY_BYTES",
      "COUNTER_MAX",
      "HYBRID_AHEAD_MS_MAX",
      "HYBRID_TICKS_PER_MS",
      "HybridClock",
      "RECORD_BYTES_MAX",
      "SIBLINGS_MAX",
      "TOKEN_BYTES_MAX",
      "TOKEN_MAC_BYTES",
      "actorId",
      "actorIdFromBytes",
      "actorIdFromRandom",
      "actorIdToBytes",
      "actorsOf",
      "addDot",
      "bytesValueCodec",
      "compareContexts",
      "compareDots",
      "contains",
      "contextAtTime",
      "contextOf",
      "createTokenCodec",
      "decodeContext",
      "decodeRecord",
      "descends",
      "dot",
      "emptyContext",
      "emptyRecord",
      "encodeContext",
      "encodeRecord",
      "highestCounter",
      "isEmptyContext",
      "join",
      "mergeRecords",
      "recordsEqual",
      "retireActors",
      "subsumes",
      "timeOf",
      "withoutTime",
      "writeRecord",
    ]
  `);
});

it('offers exactly these names to tests', () => {
  expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
    [
      "FEW_ACTORS",
      "HistoryModel",
      "anyActorId",
      "anyDot",
      "contexts",
      "denseDot",
      "dotName",
      "dotNames",
      "recordStates",
    ]
  `);
});
