import { describe, expect, it } from 'vitest';
import { BootTrail } from './boot-trail.ts';

const at = (boot: number, incarnation = `i${boot}`): { boot: number; incarnation: string } => ({ boot, incarnation });

describe('the trail of boots', () => {
  it('knows the boots of this disk, and those before the last verified one', () => {
    const trail = new BootTrail([at(5), at(6)]);
    trail.add(at(7));
    for (const boot of [1, 4, 5, 6, 7]) expect(trail.isForeign(at(boot)), `boot ${boot}`).toBe(false);
    expect(trail.isForeign(at(4, 'other'))).toBe(false);
  });

  it('finds a boot of another process or of a later state of the disk, however far this one has counted since', () => {
    const trail = new BootTrail([at(5)]);
    for (const boot of [6, 7, 8]) trail.add(at(boot));
    expect(trail.isForeign(at(6, 'other'))).toBe(true);
    expect(trail.isForeign(at(9))).toBe(true);
    expect(trail.isForeign(at(5, 'other'))).toBe(true);
  });

  it('of an empty disk knows nothing, and takes 0 for nobody', () => {
    const trail = new BootTrail([]);
    expect(trail.isForeign(at(1))).toBe(true);
    expect(trail.isForeign(at(0, ''))).toBe(false);
  });

  it('starts again when a boot is verified, and stays short without ever forgetting the last verified one', () => {
    const trail = new BootTrail([]);
    for (let boot = 1; boot <= 200; boot++) trail.add(at(boot));
    expect(trail.toRecord().length).toBeLessThanOrEqual(64);
    expect(trail.isForeign(at(1, 'i1'))).toBe(false);
    expect(trail.isForeign(at(200))).toBe(false);
    trail.startAgain(at(201));
    expect(trail.toRecord()).toEqual([at(201)]);
    expect(trail.isForeign(at(200, 'other'))).toBe(false);
  });
});
