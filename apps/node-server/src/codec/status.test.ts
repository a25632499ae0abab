import { create } from '@bufbuild/protobuf';
import { TimeStatusSchema, TopologyStoreStatusSchema } from '@ferrite/proto/node';
import { expect, it } from 'vitest';
import { storeToWire, timeToWire } from './status.ts';

it('tells why the topology store is away and for how long, and nothing while it answers', () => {
  const away = create(TopologyStoreStatusSchema, storeToWire({ why: 'etcd does not answer', forMs: 61_000 }));
  expect(away).toMatchObject({ away: 'etcd does not answer', awayMs: 61_000n });
  expect(create(TopologyStoreStatusSchema, storeToWire(undefined))).toMatchObject({ away: '', awayMs: 0n });
});

it('tells what is known of the clocks', () => {
  const expiry = {
    converted: 3,
    clockOffMs: 90_000.5,
    stalled: 'CLOCK_WRONG: the clock is 90000 ms from those of the peers',
  };
  expect(create(TimeStatusSchema, timeToWire({ expiry, writesFromAhead: 2 }))).toMatchObject({
    expiredValues: 3n,
    clockOffMs: 90_001n,
    expiryStalled: expiry.stalled,
    writesFromAhead: 2n,
  });
});
