import { expect, it } from 'vitest';
import { TOMBSTONES_MAX } from './limits.ts';
import { Tombstones } from './tombstones.ts';

const tombstone = (at: number) => ({ keyspaceId: 1, key: Uint8Array.of(at >> 16, at >> 8, at) });

it('gives a tombstone that was there a whole round, and not one that has just been seen', () => {
  const tombstones = new Tombstones();
  tombstones.add(0, tombstone(1));
  expect(tombstones.beginRound()).toEqual([]);
  tombstones.add(0, tombstone(1));
  tombstones.add(0, tombstone(2));
  expect(tombstones.beginRound()).toEqual([0]);
  expect(tombstones.due(0, 10)).toEqual([expect.objectContaining(tombstone(1))]);
});

it('lets go of what has values again', () => {
  const tombstones = new Tombstones();
  tombstones.add(0, tombstone(1));
  tombstones.remove(0, tombstone(1));
  tombstones.remove(0, tombstone(1));
  expect(tombstones.count).toBe(0);
  expect(tombstones.beginRound()).toEqual([]);
});

it('is bounded, and says once when there is room again for what it turned away', () => {
  const tombstones = new Tombstones();
  for (let at = 0; at <= TOMBSTONES_MAX; at++) tombstones.add(at % 7, tombstone(at));
  expect(tombstones.count).toBe(TOMBSTONES_MAX);
  expect(tombstones.takeRoom()).toBe(false);
  for (let at = 0; at < TOMBSTONES_MAX; at++) tombstones.remove(at % 7, tombstone(at));
  expect(tombstones.takeRoom()).toBe(true);
  expect(tombstones.takeRoom()).toBe(false);
});
