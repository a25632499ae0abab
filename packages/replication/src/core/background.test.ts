import { describe, expect, it } from 'vitest';
import { Background, type BackgroundBudget, type Release } from './background.ts';
import { Desk } from './desk.ts';

const budget: BackgroundBudget = {
  bytesPerSecond: 20_000,
  bytesPerSecondBusy: 2_000,
  operationsMax: 2,
  operationsMaxBusy: 1,
  clientOpsMax: 4,
};

/** A background whose timer fires when told. */
function rig(): {
  background: Background;
  clients: { ops: number; at: string };
  readonly tick: (times: number) => void;
  readonly ticking: () => boolean;
  readonly start: (count: number) => Release[];
} {
  const desk = new Desk();
  const clients = { ops: 0, at: '' };
  const background = new Background(desk, () => ({ ops: clients.ops, peer: clients.at }), budget);
  let armed: number[] = [];
  const collect = (): void => {
    for (const effect of desk.take()) if (effect.type === 'timer') armed.push(effect.ticket);
  };
  return {
    background,
    clients,
    ticking: () => {
      collect();
      return armed.length > 0;
    },
    tick: (times) => {
      for (let count = 0; count < times; count++) {
        collect();
        const due = armed;
        armed = [];
        for (const ticket of due) desk.deliver({ type: 'timer', ticket });
      }
    },
    start: (count) => {
      const releases: Release[] = [];
      for (let each = 0; each < count; each++) background.run('recovery', (release) => releases.push(release));
      return releases;
    },
  };
}

describe('the background budget', () => {
  it('starts as many operations at once as it may, and the next when one ends', () => {
    const { start } = rig();
    const started = start(3);
    expect(started).toHaveLength(2);
    started[0]!(10);
    expect(started).toHaveLength(3);
  });

  it('makes an operation that moved much delay the next', () => {
    const { start, tick, background } = rig();
    const started = start(4);
    started[0]!(3_000);
    started[1]!(0);
    expect(started).toHaveLength(2);
    expect(background.progress().find(({ kind }) => kind === 'recovery')?.stalled).toContain('20000 bytes a second');
    // 3,000 bytes are three ticks of 1,000, the first of which was there already.
    tick(2);
    expect(started).toHaveLength(2);
    tick(1);
    expect(started).toHaveLength(4);
  });

  it('yields to clients, says so, and goes on slowly all the same', () => {
    const { start, tick, clients, background } = rig();
    clients.ops = 5;
    const started = start(3);
    expect(started).toHaveLength(1);
    expect(background.progress().find(({ kind }) => kind === 'recovery')?.stalled).toBe(
      'yields to 5 client operations in flight',
    );
    expect(background.page.maxRecords).toBe(32);
    clients.at = 'n2';
    expect(background.progress().find(({ kind }) => kind === 'recovery')?.stalled).toBe(
      'yields to 5 client operations in flight at n2',
    );
    started[0]!(0);
    expect(started).toHaveLength(2);
    clients.ops = 4;
    expect(background.page.maxRecords).toBe(256);
    tick(1);
    expect(started).toHaveLength(3);
  });

  it('serves the record that cannot be read before the comparison of what can', () => {
    const { background, start } = rig();
    const order: string[] = [];
    const releases = start(2);
    background.run('trees', () => order.push('trees'));
    background.run('record-repair', () => order.push('record-repair'));
    for (const release of releases) release(0);
    expect(order).toEqual(['record-repair', 'trees']);
  });

  it('tells the rate of the last second, and stops its timer when there is nothing to do', () => {
    const { background, start, tick, ticking } = rig();
    for (const release of start(2)) release(250);
    tick(20);
    const recovery = background.progress().find(({ kind }) => kind === 'recovery');
    expect(recovery).toMatchObject({ operations: 2, bytes: 500, bytesPerSecond: 500, stalled: '' });
    tick(21);
    expect(ticking()).toBe(false);
  });
});
