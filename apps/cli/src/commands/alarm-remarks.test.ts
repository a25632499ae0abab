import type { TimeState } from '@ferrite/client';
import { expect, it } from 'vitest';
import { alarmRemarks } from './alarm-remarks.ts';

const time: TimeState = { expiredValues: 7, clockOffMs: 12, expiryStalled: '', writesFromAhead: 0 };

it('says nothing of a node without worries', () => {
  expect(alarmRemarks('n1', { time })).toEqual([]);
});

it('tells for how long the topology store is away, and what to do', () => {
  const why =
    'TOPOLOGY_UNAVAILABLE: the topology store etcd at http://h:2379 does not answer (connect ECONNREFUSED). Data is served as before; bring the store back, then repeat the change of the topology.';
  const [line] = alarmRemarks('n1', { time, topologyStoreAway: { why, forMs: 65_000 } });
  expect(line).toMatch(/^n1: for 1m.*: TOPOLOGY_UNAVAILABLE: the topology store etcd at http:/);
});

it('tells which clocks are wrong, and what waits for them', () => {
  const expiryStalled = 'CLOCK_WRONG: the clock is 90000 ms from those of the peers';
  expect(alarmRemarks('n2', { time: { ...time, clockOffMs: 90_000, expiryStalled, writesFromAhead: 2 } })).toEqual([
    'n2: expired values stay on the device: CLOCK_WRONG: the clock is 90000 ms from those of the peers; set the clocks of all nodes by NTP',
    'n2: CLOCK_AHEAD: since it started, 2 writes to records stamped by a clock over five minutes ahead of its own; set the clocks of all nodes by NTP',
  ]);
});

it('tells that expiry waits for peers without blaming a clock', () => {
  expect(alarmRemarks('n2', { time: { ...time, expiryStalled: 'too few peers tell the time' } })).toEqual([
    'n2: expired values stay on the device: too few peers tell the time',
  ]);
});
