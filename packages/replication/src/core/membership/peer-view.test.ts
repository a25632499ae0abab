import { describe, expect, it } from 'vitest';
import { PeerView } from './peer-view.ts';

function answer(view: PeerView, node: string, tookMs: number, times = 64): void {
  for (let count = 0; count < times; count++) view.answered(node, tookMs);
}

describe('the view of peers', () => {
  it('asks the live and fast first and the dead last, and keeps the order among equals', () => {
    const view = new PeerView();
    view.setLiveness('a', 'dead');
    view.setLiveness('b', 'suspect');
    answer(view, 'c', 100);
    answer(view, 'd', 1);
    expect(view.preferred(['a', 'b', 'c', 'd', 'e'])).toEqual(['d', 'e', 'c', 'b', 'a']);
    view.setLiveness('a', 'alive');
    expect(view.preferred(['a', 'd'])).toEqual(['a', 'd']);
  });

  it('tries a slow peer again now and then, so that it can become fast, but never a dead one', () => {
    const view = new PeerView();
    answer(view, 'slow', 100);
    answer(view, 'fast', 1);
    view.setLiveness('dead', 'dead');
    const first = Array.from({ length: 100 }, () => view.preferred(['dead', 'slow', 'fast'])[0]);
    expect(first.filter((node) => node === 'slow')).toHaveLength(3);
    expect(first).not.toContain('dead');
    answer(view, 'slow', 1);
    expect(view.preferred(['slow', 'fast'])[0]).toBe('slow');
  });

  it('passes over a peer that lets reads wait, until it answers', () => {
    const view = new PeerView();
    for (let read = 0; read < 8; read++) view.late(['a']);
    expect(view.preferred(['a', 'b'])).toEqual(['b', 'a']);
    view.answered('a', 1);
    expect(view.preferred(['a', 'b'])).toEqual(['a', 'b']);
  });

  it('waits less for the dead than the request allows', () => {
    const view = new PeerView();
    expect(view.patienceMs('a', 10_000)).toBe(10_000);
    view.setLiveness('a', 'dead');
    expect(view.patienceMs('a', 10_000)).toBe(500);
    expect(view.patienceMs('a', 100)).toBe(100);
  });

  it('hedges after the 95th percentile of the slowest peer asked, within bounds', () => {
    const view = new PeerView();
    expect(view.hedgeAfterMs(['a'])).toBe(50);
    answer(view, 'a', 0.1);
    answer(view, 'b', 10, 60);
    answer(view, 'b', 30, 4);
    expect(view.hedgeAfterMs(['a'])).toBe(2);
    expect(view.hedgeAfterMs(['a', 'b'])).toBe(30);
    answer(view, 'b', 1_000);
    expect(view.hedgeAfterMs(['b'])).toBe(50);
  });

  it('hedges at most one read in twenty, besides a burst', () => {
    const view = new PeerView();
    let hedges = 0;
    for (let read = 0; read < 10_000; read++) {
      view.earnHedge();
      if (view.spendHedge()) hedges++;
    }
    expect(hedges).toBeLessThanOrEqual(510);
    expect(hedges).toBeGreaterThanOrEqual(500);
  });
});
