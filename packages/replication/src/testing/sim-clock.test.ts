import { expect, it } from 'vitest';
import { runScenario } from './run-seed.ts';
import { drawScenario } from './scenario.ts';
import { SimClock } from './sim-clock.ts';
import { Timeline } from './timeline.ts';

it('runs at its own rate, and jumps on the wall only', () => {
  const timeline = new Timeline();
  const clock = new SimClock(timeline, 2);
  const start = clock.wallMs();
  timeline.runUntil(1_000);
  expect(clock.wallMs() - start).toBe(2_000);
  expect(clock.duration(500)).toBe(250);
  clock.jump(-5_000);
  expect(clock.wallMs() - start).toBe(-3_000);
  expect(clock.duration(500)).toBe(250);
});

it('may be set wrong by an hour again and again without any consequence: no rule here reads the wall clock', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const scenario = drawScenario(seed, { loadMs: 2_000 });
    const without = runScenario(seed, { ...scenario, faults: { ...scenario.faults, clockJump: 0 } });
    const jumping = runScenario(seed, { ...scenario, faults: { ...scenario.faults, clockJump: 20 } });
    expect(jumping.faults.clockJump).toBeGreaterThan(10);
    expect(jumping.issued).toEqual(without.issued);
    expect(jumping.ops).toBe(without.ops);
    expect(jumping.injected.filter((name) => !name.startsWith('clockJump'))).toEqual(
      without.injected.filter((name) => !name.startsWith('clockJump')),
    );
  }
});
