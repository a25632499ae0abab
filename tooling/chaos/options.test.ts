import { expect, it } from 'vitest';
import { parseCommand } from './options.ts';

it('has a default for everything, and refuses what it does not know', () => {
  expect(parseCommand([])).toMatchObject({ minutes: 1, nodes: 3, rate: 1000, faults: ['kill', 'pause', 'wipe'] });
  expect(parseCommand(['--faults', 'kill'])?.faults).toEqual(['kill']);
  expect(parseCommand(['--faults', ''])?.faults).toEqual([]);
  expect(parseCommand(['--help'])).toBeUndefined();
  expect(() => parseCommand(['--faults', 'flood'])).toThrow('--faults takes some of kill, pause, wipe');
  expect(parseCommand(['--faults', 'kill,store', '--away', '5'])?.awaySeconds).toBe(5);
  expect(() => parseCommand(['--faults', 'wipe,store'])).toThrow('store or wipe, not both');
  expect(() => parseCommand(['--nodes', '2'])).toThrow('--nodes takes a whole number from 3 to 7');
  expect(() => parseCommand(['--minutes', 'x'])).toThrow('--minutes takes a number');
});

it('measures what it is told to, and nothing else', () => {
  expect(parseCommand([])).toMatchObject({ measure: undefined, kills: 20, cpuLoad: 90 });
  expect(parseCommand(['--measure', 'suspicion', '--cpu-load', '50'])).toMatchObject({
    measure: 'suspicion',
    cpuLoad: 50,
  });
  expect(() => parseCommand(['--measure', 'mood'])).toThrow('--measure takes some of detection, suspicion');
  expect(() => parseCommand(['--cpu-load', '101'])).toThrow('--cpu-load takes a whole number from 1 to 100');
});
