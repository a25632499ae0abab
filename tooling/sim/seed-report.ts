import { drawMix, overlay, presetOf, runSeed } from '../../packages/replication/src/testing/index.ts';
import type { SimCommand } from './options.ts';

/** Every so many seeds one is run twice. */
const TWICE_EVERY = 10;
const SHOWN_MAX = 5;

/** What one seed came to, as it goes from a worker to the command. */
export interface SeedReport {
  readonly seed: number;
  readonly events: number;
  readonly ops: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly twice: boolean;
  readonly violations: number;
  /** The first violations, in words, and the command that shows them again; empty if there are none. */
  readonly text: string;
}

// Faults are the business of a run: looking up where each was made would take a tenth of the time.
Error.stackTraceLimit = 0;

/** Runs a seed, every tenth one twice. */
export function reportSeed(seed: number, command: SimCommand): SeedReport {
  const mix = drawMix(seed, {
    ...(command.workload && { workload: command.workload }),
    ...(command.nemesis && { nemesis: command.nemesis }),
  });
  const preset = overlay(presetOf(mix), { eventsMin: command.eventsMin });
  const { violations, events, ops, faults, hash } = runSeed(seed, { preset });
  const twice = seed % TWICE_EVERY === 0;
  const found = violations.map(({ rule, what }) => `${rule}: ${what}`);
  if (twice && runSeed(seed, { preset }).hash !== hash) found.push('not-deterministic: the same seed ran differently');
  const again = `npm run sim -- --seeds 1 --seed ${seed} --workload ${mix.workload} --nemesis ${mix.nemesis} --events-min ${command.eventsMin}`;
  const shown = found.slice(0, SHOWN_MAX).map((each) => `seed ${seed}: ${each}`);
  const text =
    found.length === 0 ? '' : [...shown, `seed ${seed}: ${found.length} in all; again with: ${again}`].join('\n');
  return { seed, events: events * (twice ? 2 : 1), ops, faults, twice, violations: found.length, text };
}
