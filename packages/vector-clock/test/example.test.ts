import {
  actorId,
  createTokenCodec,
  emptyContext,
  emptyRecord,
  mergeRecords,
  type RecordState,
  writeRecord,
} from '@ferrite/vector-clock';
import { expect, it } from 'vitest';

it('the example of the README does what it says', () => {
  const actor = actorId('000102030405060708090a0b0c0d0e0f');
  const nothing: RecordState<string> = emptyRecord;
  const one = writeRecord(nothing, { actor, context: emptyContext, value: 'one' });
  const two = writeRecord(one.state, { actor, context: emptyContext, value: 'two' });
  expect(two.state.siblings.map(({ value }) => value)).toEqual(['one', 'two']);

  const three = writeRecord(two.state, { actor, context: two.state.context, value: 'three' });
  expect(three.state.siblings.map(({ value }) => value)).toEqual(['three']);

  const tokens = createTokenCodec(new Uint8Array(32));
  const token = tokens.encode({ keyspaceId: 1, keyHash: 42n }, three.responseContext);
  expect(tokens.decode({ keyspaceId: 1, keyHash: 42n }, token)).toEqual(three.responseContext);
  expect(mergeRecords(three.state, three.delta)).toBe(three.state);
});
