import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { GossipRequestSchema } from '@ferrite/proto/membership';
import type { Claim, GossipMessage } from '@ferrite/replication';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gossipFromWire, gossipToWire } from './membership.ts';

const counter = fc.nat(Number.MAX_SAFE_INTEGER);
const claims: fc.Arbitrary<Claim[]> = fc.array(
  fc.record({
    node: fc.string(),
    state: fc.constantFrom('alive', 'suspect', 'dead'),
    boot: counter,
    incarnation: counter,
    by: fc.string(),
  }),
  { maxLength: 20 },
);
const messages: fc.Arbitrary<GossipMessage> = fc.oneof(
  fc.record({ type: fc.constantFrom('ping', 'ack', 'nack'), sequence: counter, claims }),
  fc.record({ type: fc.constant('pingRequest'), sequence: counter, target: fc.string(), claims }),
  fc.record({ type: fc.constant('news'), claims }),
  fc.record({ type: fc.constant('sync'), answer: fc.boolean(), claims }),
);

it('law: a membership message comes out of the wire as it went in', () => {
  fc.assert(
    fc.property(fc.string(), messages, (from, message) => {
      const bytes = toBinary(GossipRequestSchema, create(GossipRequestSchema, gossipToWire(from, message)));
      const request = fromBinary(GossipRequestSchema, bytes);
      expect(request.from).toBe(from);
      expect(gossipFromWire(request)).toEqual(message);
    }),
  );
});

it('refuses what it does not know and what is too much, and skips claims of an unknown state', () => {
  expect(() => gossipFromWire(create(GossipRequestSchema, {}))).toThrow('FRAME_MALFORMED');
  const many = create(GossipRequestSchema, { message: { case: 'news', value: {} }, claims: Array(1_025).fill({}) });
  expect(() => gossipFromWire(many)).toThrow('1025 claims');
  const strange = create(GossipRequestSchema, { message: { case: 'news', value: {} }, claims: [{ node: 'a' }] });
  expect(gossipFromWire(strange)).toEqual({ type: 'news', claims: [] });
});
